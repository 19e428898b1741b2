-- The tables of tenancy, for SQLite 3.37 or later.
--
-- For hosts that read, join and reference them:
--   * An id is a TypeID, the text that the program's URLs and JSON show. It never
--     changes and is never given twice, so your own tables may reference it:
--     organization_id TEXT NOT NULL REFERENCES tenancy_organizations (id).
--     A row of yours that still refers to one makes its deletion fail with the code
--     "referenced"; ON DELETE CASCADE on your side takes your row along.
--   * A time is microseconds since 1970, UTC: datetime(created_at / 1e6, 'unixepoch').
--   * NULL is "not set". A flag is 0 or 1. metadata, attributes and features are JSON
--     objects.
--   * Read as you like. Write through the program only: it keeps the rules, the
--     versions and the events, none of which these tables can keep alone.

CREATE TABLE tenancy_schema (
    version    INTEGER NOT NULL PRIMARY KEY, -- one row for each migration that ran
    applied_at TEXT    NOT NULL DEFAULT CURRENT_TIMESTAMP
) STRICT;

CREATE TABLE tenancy_organizations (
    id           TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'org_[0-7]*' AND length(id) = 30),
    version      INTEGER NOT NULL CHECK (version >= 1), -- counts changes
    display_name TEXT    NOT NULL,
    name_key     TEXT    NOT NULL,              -- display_name folded, for order and search
    slug         TEXT    UNIQUE,
    external_id  TEXT    UNIQUE,                -- the host's own key
    metadata     TEXT    CHECK (json_valid(metadata)),
    seat_limit   INTEGER,
    default_role TEXT,
    creator_role TEXT,
    features     TEXT    CHECK (json_valid(features)),
    suspended_at INTEGER,                       -- NULL: not suspended
    archived_at  INTEGER,                       -- NULL: not archived
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX tenancy_organizations_name_key ON tenancy_organizations (name_key, id);

CREATE TABLE tenancy_users (
    id                TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'usr_[0-7]*' AND length(id) = 30),
    version           INTEGER NOT NULL CHECK (version >= 1),
    email             TEXT,                     -- as given; to find a user, ask for email_key
    email_key         TEXT    UNIQUE,           -- the canonical address; NULL once merged or erased
    email_verified_at INTEGER,                  -- NULL: not proved
    pending_email     TEXT,                     -- waits for its proof
    given_name        TEXT,
    family_name       TEXT,
    display_name      TEXT,
    name_key          TEXT    NOT NULL,
    picture           TEXT,
    phone             TEXT,
    locale            TEXT,
    attributes        TEXT    CHECK (json_valid(attributes)),
    metadata          TEXT    CHECK (json_valid(metadata)),
    external_id       TEXT    UNIQUE,
    suspended_at      INTEGER,
    merged_into       TEXT,                     -- the user to go to instead; NULL: not merged
    last_sign_in_at   INTEGER,                  -- moves without a version
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
) STRICT;

CREATE INDEX tenancy_users_name_key ON tenancy_users (name_key, id);
CREATE INDEX tenancy_users_merged_into ON tenancy_users (merged_into, id);

CREATE TABLE tenancy_identities (
    id             TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'idn_[0-7]*' AND length(id) = 30),
    version        INTEGER NOT NULL CHECK (version >= 1),
    user_id        TEXT    NOT NULL REFERENCES tenancy_users (id),
    provider       TEXT    NOT NULL,
    subject        TEXT    NOT NULL,            -- who the provider says it is, byte for byte
    email          TEXT,                        -- what the provider last said: no key, no proof
    email_verified INTEGER NOT NULL CHECK (email_verified IN (0, 1)),
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    UNIQUE (provider, subject)
) STRICT;

CREATE INDEX tenancy_identities_user_id ON tenancy_identities (user_id, id);

-- One person in one organization. Only a status of 'active' gives access, and only
-- where neither the user nor the organization is suspended or archived.
CREATE TABLE tenancy_memberships (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'mem_[0-7]*' AND length(id) = 30),
    version         INTEGER NOT NULL CHECK (version >= 1),
    organization_id TEXT    NOT NULL REFERENCES tenancy_organizations (id),
    user_id         TEXT    NOT NULL REFERENCES tenancy_users (id),
    status          TEXT    NOT NULL,
    display_name    TEXT,                       -- the name here; NULL: the user's own
    attributes      TEXT    CHECK (json_valid(attributes)),
    metadata        TEXT    CHECK (json_valid(metadata)),
    joined_via      TEXT    NOT NULL,
    joined_at       INTEGER NOT NULL,
    last_sign_in_at INTEGER,                    -- here; moves without a version
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    name_key        TEXT    NOT NULL,
    email_key       TEXT    NOT NULL,
    UNIQUE (organization_id, user_id)
) STRICT;

-- The pages of an organization's members, in each of their orders, and a count by
-- status; then a person's organizations.
CREATE INDEX tenancy_memberships_organization_id ON tenancy_memberships (organization_id, id);
CREATE INDEX tenancy_memberships_organization_id_status ON tenancy_memberships (organization_id, status, id);
CREATE INDEX tenancy_memberships_organization_id_name_key ON tenancy_memberships (organization_id, name_key, id);
CREATE INDEX tenancy_memberships_organization_id_email_key ON tenancy_memberships (organization_id, email_key, id);
CREATE INDEX tenancy_memberships_user_id ON tenancy_memberships (user_id, id);

-- One role of one membership from one source.
CREATE TABLE tenancy_role_assignments (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'ras_[0-7]*' AND length(id) = 30),
    version         INTEGER NOT NULL CHECK (version >= 1),
    organization_id TEXT    NOT NULL REFERENCES tenancy_organizations (id),
    membership_id   TEXT    NOT NULL REFERENCES tenancy_memberships (id),
    user_id         TEXT    NOT NULL REFERENCES tenancy_users (id),
    role            TEXT    NOT NULL,           -- the role's slug
    source          TEXT    NOT NULL,           -- what gave it
    source_id       TEXT    NOT NULL,           -- which one; '' where the source is but one
    scope           TEXT    NOT NULL,           -- where it holds; '': in the whole organization
    active          INTEGER NOT NULL CHECK (active IN (0, 1)), -- the membership is active
    created_at      INTEGER NOT NULL,
    UNIQUE (membership_id, role, source, source_id, scope)
) STRICT;

CREATE INDEX tenancy_role_assignments_organization_id_role_active
    ON tenancy_role_assignments (organization_id, role, active, id);
CREATE INDEX tenancy_role_assignments_user_id ON tenancy_role_assignments (user_id, id);

-- Hashes of tokens, never a token.
CREATE TABLE tenancy_secrets (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'sec_[0-7]*' AND length(id) = 30),
    version    INTEGER NOT NULL CHECK (version >= 1),
    kind       TEXT    NOT NULL,
    hash       TEXT    NOT NULL UNIQUE,
    user_id    TEXT    REFERENCES tenancy_users (id),
    address    TEXT,
    spent_at   INTEGER,                         -- NULL: not used, not replaced
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX tenancy_secrets_user_id ON tenancy_secrets (user_id, id);
CREATE INDEX tenancy_secrets_expires_at ON tenancy_secrets (expires_at, id);

-- What happened, in the order of the commits. AUTOINCREMENT, so that a position
-- never comes again once it was committed, not even after all events were pruned.
-- Events outlive what they speak of, hence no foreign keys.
CREATE TABLE tenancy_events (
    position        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id              TEXT    NOT NULL,
    type            TEXT    NOT NULL,
    organization_id TEXT,
    user_id         TEXT,                       -- the person concerned
    subject         TEXT    NOT NULL,           -- id of what changed
    actor           TEXT    NOT NULL,           -- 'user:usr_...', 'service:import', 'host'
    time            INTEGER NOT NULL,
    data            TEXT,                       -- JSON, what it was after the change
    previous        TEXT,                       -- JSON, the old values of what changed
    redacted        INTEGER NOT NULL CHECK (redacted IN (0, 1))
) STRICT;

-- A rowid ends every index, so these run in the order of position.
CREATE INDEX tenancy_events_organization_id ON tenancy_events (organization_id);
CREATE INDEX tenancy_events_user_id ON tenancy_events (user_id);

-- People besides user_id whose data an event holds, so that erasing finds it.
CREATE TABLE tenancy_event_people (
    position INTEGER NOT NULL,
    user_id  TEXT    NOT NULL,
    PRIMARY KEY (position, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenancy_event_people_user_id ON tenancy_event_people (user_id);

-- The last position that was pruned: what is left begins beyond it.
CREATE TABLE tenancy_event_floor (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL
) STRICT;

INSERT INTO tenancy_event_floor (id, position) VALUES (1, 0);

INSERT INTO tenancy_schema (version) VALUES (1);
