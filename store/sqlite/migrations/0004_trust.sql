-- What a proof, an identity and a session stand on, so that they end with it.

ALTER TABLE tenancy_users ADD COLUMN email_proved_by TEXT; -- 'mail', 'host', a provider or the id of a connection; NULL: never proved

-- Epochs count the providers that a connection has been pointed to, and how often all
-- sessions through it have ended. An identity or a session of an earlier one is worth nothing.
ALTER TABLE tenancy_connections ADD COLUMN updates_email INTEGER NOT NULL DEFAULT 0 CHECK (updates_email IN (0, 1));
ALTER TABLE tenancy_connections ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;
ALTER TABLE tenancy_connections ADD COLUMN sessions_epoch INTEGER NOT NULL DEFAULT 1;
ALTER TABLE tenancy_identities ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;      -- the connection's; 0: the application's provider
ALTER TABLE tenancy_sessions ADD COLUMN connection_epoch INTEGER NOT NULL DEFAULT 0; -- the connection's sessions_epoch

UPDATE tenancy_identities SET epoch = 1 WHERE provider GLOB 'con_*';
UPDATE tenancy_sessions SET connection_epoch = 1 WHERE connection_id IS NOT NULL;
UPDATE tenancy_users SET email_proved_by = 'host' WHERE email_verified_at IS NOT NULL;

ALTER TABLE tenancy_policies ADD COLUMN binds_owners INTEGER NOT NULL DEFAULT 0 CHECK (binds_owners IN (0, 1)); -- 0: owners are free of it

ALTER TABLE tenancy_events ADD COLUMN through TEXT; -- the session that the actor did it by

-- What a secret that is not spent stands for, to find the few that are not; '' once it is spent.
ALTER TABLE tenancy_secrets ADD COLUMN open_for TEXT NOT NULL DEFAULT '';
UPDATE tenancy_secrets SET open_for = coalesce(CASE kind WHEN 'emailproof' THEN user_id ELSE subject END, '') WHERE spent_at IS NULL;
CREATE INDEX tenancy_secrets_open_for ON tenancy_secrets (open_for, id);

INSERT INTO tenancy_schema (version) VALUES (4);
