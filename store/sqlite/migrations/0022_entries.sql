-- A session may have several entries, each into one organization: rows with the same client. One
-- token opens them all, and says which of them is current. A session from before is a client of
-- its own.

ALTER TABLE tenancy_sessions ADD COLUMN client_id TEXT NOT NULL DEFAULT ''; -- the id of the client's first session
ALTER TABLE tenancy_sessions ADD COLUMN proved_at INTEGER NOT NULL DEFAULT 0; -- when the evidence was shown
UPDATE tenancy_sessions SET client_id = id, proved_at = created_at;

CREATE INDEX tenancy_sessions_client_id_null_ended_at ON tenancy_sessions (client_id, id) WHERE ended_at IS NULL;
CREATE INDEX tenancy_sessions_client_id_organization_id_set_ended_at ON tenancy_sessions (client_id, organization_id, id) WHERE ended_at IS NOT NULL;

-- The subject of a session's token is the client.
ALTER TABLE tenancy_secrets ADD COLUMN session_id TEXT; -- which session is current; NULL: none, or it is no session's
UPDATE tenancy_secrets SET session_id = subject WHERE kind = 'session';

INSERT INTO tenancy_schema (version) VALUES (22);
