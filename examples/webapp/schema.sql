-- The program's own tables. They reference those of tenancy, which are there first.

CREATE TABLE IF NOT EXISTS documents (
    id              INTEGER PRIMARY KEY,
    organization_id TEXT    NOT NULL REFERENCES tenancy_organizations (id) ON DELETE CASCADE,
    author          TEXT    REFERENCES tenancy_users (id) ON DELETE SET NULL,
    title           TEXT    NOT NULL,
    body            TEXT    NOT NULL,
    changed_at      INTEGER NOT NULL -- seconds since 1970
) STRICT;

CREATE INDEX IF NOT EXISTS documents_organization_id ON documents (organization_id, id);
