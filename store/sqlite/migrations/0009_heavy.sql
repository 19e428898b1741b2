-- What a customer or a stranger can make heavy lies apart from what each sign-in reads, or
-- behind an index that leads past it.

-- What a connection keeps for its program, and the roles of its groups: at most one row a
-- connection, under the id of that connection.
CREATE TABLE tenancy_connection_settings (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'con_[0-7]*' AND length(id) = 30),
    version         INTEGER NOT NULL CHECK (version >= 1),
    organization_id TEXT    NOT NULL REFERENCES tenancy_organizations (id),
    group_roles     TEXT    CHECK (json_valid(group_roles)), -- a JSON object, group to role
    settings        TEXT    CHECK (json_valid(settings))     -- the host's own, a JSON object
) STRICT;

CREATE INDEX tenancy_connection_settings_organization_id ON tenancy_connection_settings (organization_id, id);

INSERT INTO tenancy_connection_settings (id, version, organization_id, group_roles, settings)
SELECT id, 1, organization_id, group_roles, settings FROM tenancy_connections WHERE coalesce(settings, group_roles) IS NOT NULL;

ALTER TABLE tenancy_connections DROP COLUMN settings;
ALTER TABLE tenancy_connections DROP COLUMN group_roles;

-- Where a person is a member, past what strangers have offered them; and their requests, past
-- those that were decided.
CREATE INDEX tenancy_memberships_user_id_status ON tenancy_memberships (user_id, status, id);
CREATE INDEX tenancy_join_requests_user_id_state ON tenancy_join_requests (user_id, state, id);
CREATE INDEX tenancy_join_requests_organization_id_user_id ON tenancy_join_requests (organization_id, user_id, id);

-- The sessions of a person that are live: what ended expires as it ends.
CREATE INDEX tenancy_sessions_user_id_expires_at ON tenancy_sessions (user_id, expires_at, id);

-- The organization of a join code that is neither revoked nor used up, to count those that
-- stand without reading them; NULL for the others.
ALTER TABLE tenancy_join_codes ADD COLUMN open_for TEXT;
UPDATE tenancy_join_codes SET open_for = organization_id WHERE revoked_at IS NULL AND (max_uses IS NULL OR uses < max_uses);
CREATE INDEX tenancy_join_codes_open_for_expires_at ON tenancy_join_codes (open_for, expires_at, id);

INSERT INTO tenancy_schema (version) VALUES (9);
