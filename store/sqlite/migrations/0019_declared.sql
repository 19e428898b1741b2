-- What the last declaration said that no role and no permission says.

ALTER TABLE tenancy_declaration_marks ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenancy_declaration_marks ADD COLUMN left_out TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(left_out)); -- a JSON array of built-in roles

INSERT INTO tenancy_schema (version) VALUES (19);
