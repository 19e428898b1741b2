-- Roles and permissions, and what actors were refused.

-- Roles that were declared (no organization) or that an organization made for itself.
-- The built-in ones (owner, admin, member, guest) have a row only once declared.
CREATE TABLE tenancy_roles (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'role_[0-7]*' AND length(id) = 31),
    version         INTEGER NOT NULL CHECK (version >= 1),
    organization_id TEXT    REFERENCES tenancy_organizations (id), -- NULL: holds in every organization
    scope           TEXT    NOT NULL,           -- organization_id, '' for none
    slug            TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    description     TEXT,
    extends         TEXT,                       -- the parent's slug
    grants          TEXT    NOT NULL CHECK (json_valid(grants)), -- a JSON array, without the parent's
    priority        INTEGER NOT NULL,           -- lowest first
    revision        INTEGER NOT NULL,           -- of the declaration; 0: an organization's own
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    UNIQUE (scope, slug)
) STRICT;

CREATE INDEX tenancy_roles_extends ON tenancy_roles (extends, id);

CREATE TABLE tenancy_permissions (
    id          TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'prm_[0-7]*' AND length(id) = 30),
    version     INTEGER NOT NULL CHECK (version >= 1),
    slug        TEXT    NOT NULL UNIQUE,
    description TEXT,
    revision    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;

-- How often an actor was refused by a method, by the minute. What was named need not
-- exist, hence no foreign key.
CREATE TABLE tenancy_denials (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'den_[0-7]*' AND length(id) = 30),
    version         INTEGER NOT NULL CHECK (version >= 1),
    actor           TEXT    NOT NULL,           -- 'user:usr_...', 'service:import'
    method          TEXT    NOT NULL,
    organization_id TEXT,
    scope           TEXT    NOT NULL,           -- organization_id, '' for none
    minute          INTEGER NOT NULL,
    count           INTEGER NOT NULL,
    UNIQUE (actor, method, scope, minute)
) STRICT;

CREATE INDEX tenancy_denials_organization_id_minute ON tenancy_denials (organization_id, minute, id);
CREATE INDEX tenancy_denials_minute ON tenancy_denials (minute, id);

-- Organizations by their defaults, for what becomes of them when a role goes.
CREATE INDEX tenancy_organizations_default_role ON tenancy_organizations (default_role, id);
CREATE INDEX tenancy_organizations_creator_role ON tenancy_organizations (creator_role, id);

INSERT INTO tenancy_schema (version) VALUES (2);
