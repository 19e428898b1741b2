-- Lists of members by when they joined.

CREATE INDEX tenancy_memberships_organization_id_status_joined_at ON tenancy_memberships (organization_id, status, joined_at, id);

INSERT INTO tenancy_schema (version) VALUES (25);
