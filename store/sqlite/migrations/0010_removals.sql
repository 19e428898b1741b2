-- Who was removed from an organization, or left it, and has not come back: ways that ask nobody
-- do not let them in.
CREATE TABLE tenancy_removals (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'rmv_[0-7]*' AND length(id) = 30),
    version         INTEGER NOT NULL CHECK (version >= 1),
    organization_id TEXT    NOT NULL REFERENCES tenancy_organizations (id),
    user_id         TEXT    NOT NULL,           -- who may be deleted since
    name            TEXT,                       -- as it was
    email           TEXT    NOT NULL,           -- as it was
    email_key       TEXT    NOT NULL,           -- canonical, without its "+" tag
    by_leaving      INTEGER NOT NULL CHECK (by_leaving IN (0, 1)),
    remover_id      TEXT,                       -- NULL: the host
    removed_at      INTEGER NOT NULL,
    UNIQUE (organization_id, user_id)
) STRICT;

CREATE INDEX tenancy_removals_organization_id ON tenancy_removals (organization_id, id);
CREATE INDEX tenancy_removals_user_id ON tenancy_removals (user_id, id);
CREATE INDEX tenancy_removals_email_key ON tenancy_removals (email_key, id);

ALTER TABLE tenancy_organizations ADD COLUMN join_requests INTEGER NOT NULL DEFAULT 0 CHECK (join_requests IN (0, 1)); -- anybody may ask

ALTER TABLE tenancy_organizations ADD COLUMN deleted_at INTEGER; -- it was deleted, and is being emptied

CREATE INDEX tenancy_organizations_deleted_at ON tenancy_organizations (deleted_at, id);

ALTER TABLE tenancy_memberships ADD COLUMN user_suspended INTEGER NOT NULL DEFAULT 0 CHECK (user_suspended IN (0, 1)); -- by the host: then it has no seat; 0 while pending

UPDATE tenancy_memberships SET user_suspended = 1
WHERE status <> 'pending' AND user_id IN (SELECT id FROM tenancy_users WHERE suspended_at IS NOT NULL);

-- A person has one request in an organization: the one that waits, or else the last.
CREATE TABLE tenancy_join_requests_new (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'jrq_[0-7]*' AND length(id) = 30),
    version         INTEGER NOT NULL CHECK (version >= 1),
    organization_id TEXT    NOT NULL REFERENCES tenancy_organizations (id),
    user_id         TEXT    NOT NULL REFERENCES tenancy_users (id),
    note            TEXT,                       -- for who decides
    state           TEXT    NOT NULL,
    decider_id      TEXT,                       -- NULL: the host, or nobody yet
    decided_at      INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    UNIQUE (organization_id, user_id)
) STRICT;

INSERT INTO tenancy_join_requests_new
SELECT id, version, organization_id, user_id, note, state, decider_id, decided_at, created_at, updated_at
FROM tenancy_join_requests AS r
WHERE NOT EXISTS (
    SELECT 1 FROM tenancy_join_requests AS o
    WHERE o.organization_id = r.organization_id AND o.user_id = r.user_id
      AND (o.state = 'pending', o.id) > (r.state = 'pending', r.id)
);

DROP TABLE tenancy_join_requests;
ALTER TABLE tenancy_join_requests_new RENAME TO tenancy_join_requests;

CREATE INDEX tenancy_join_requests_organization_id ON tenancy_join_requests (organization_id, id);
CREATE INDEX tenancy_join_requests_organization_id_state ON tenancy_join_requests (organization_id, state, id);
CREATE INDEX tenancy_join_requests_user_id ON tenancy_join_requests (user_id, id);
CREATE INDEX tenancy_join_requests_user_id_state ON tenancy_join_requests (user_id, state, id);

INSERT INTO tenancy_schema (version) VALUES (10);
