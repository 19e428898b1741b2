-- Words by which members are found, beside the first word of their name and the first piece of their address.

-- NULL in word_1: not written yet, which tenancy's Run does; '-' there: the member has none.
ALTER TABLE tenancy_memberships ADD COLUMN word_1 TEXT;
ALTER TABLE tenancy_memberships ADD COLUMN word_2 TEXT;
ALTER TABLE tenancy_memberships ADD COLUMN word_3 TEXT;
ALTER TABLE tenancy_memberships ADD COLUMN word_4 TEXT;
ALTER TABLE tenancy_memberships ADD COLUMN word_5 TEXT;
ALTER TABLE tenancy_memberships ADD COLUMN word_6 TEXT;

CREATE INDEX tenancy_memberships_null_word_1 ON tenancy_memberships (id) WHERE word_1 IS NULL;
CREATE INDEX tenancy_memberships_organization_id_word_1 ON tenancy_memberships (organization_id, word_1, id) WHERE word_1 IS NOT NULL;
CREATE INDEX tenancy_memberships_organization_id_word_2 ON tenancy_memberships (organization_id, word_2, id) WHERE word_2 IS NOT NULL;
CREATE INDEX tenancy_memberships_organization_id_word_3 ON tenancy_memberships (organization_id, word_3, id) WHERE word_3 IS NOT NULL;
CREATE INDEX tenancy_memberships_organization_id_word_4 ON tenancy_memberships (organization_id, word_4, id) WHERE word_4 IS NOT NULL;
CREATE INDEX tenancy_memberships_organization_id_word_5 ON tenancy_memberships (organization_id, word_5, id) WHERE word_5 IS NOT NULL;
CREATE INDEX tenancy_memberships_organization_id_word_6 ON tenancy_memberships (organization_id, word_6, id) WHERE word_6 IS NOT NULL;

INSERT INTO tenancy_schema (version) VALUES (24);
