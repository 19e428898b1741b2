-- What an organization's people may edit of it: metadata is the host's alone.

ALTER TABLE tenancy_organizations ADD COLUMN attributes TEXT CHECK (json_valid(attributes));

-- What the person concerned was called then, as JSON; NULL: nobody, unknown, or emptied.
ALTER TABLE tenancy_events ADD COLUMN person TEXT;

INSERT INTO tenancy_schema (version) VALUES (5);
