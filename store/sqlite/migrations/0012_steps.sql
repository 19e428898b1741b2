-- The sessions of a membership that are live: what ended expires as it ends.
DROP INDEX tenancy_sessions_membership_id;
CREATE INDEX tenancy_sessions_membership_id_expires_at ON tenancy_sessions (membership_id, expires_at, id);

INSERT INTO tenancy_schema (version) VALUES (12);
