-- Invitations, join codes and requests, domains, single sign-on, policies, sessions.
--
-- For hosts: who invited, let in or decided, and what a session came by, is a mention
-- and no reference, since it outlives the one mentioned. Where a column repeats another
-- under a condition ("pending_", "verified_"), it is there to be unique.

ALTER TABLE tenancy_organizations ADD COLUMN allowed_domains TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(allowed_domains)); -- a JSON array
ALTER TABLE tenancy_organizations ADD COLUMN blocked_domains TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(blocked_domains));
ALTER TABLE tenancy_organizations ADD COLUMN accept_on_domains INTEGER NOT NULL DEFAULT 0 CHECK (accept_on_domains IN (0, 1));
ALTER TABLE tenancy_organizations ADD COLUMN single_sign_on_joins INTEGER NOT NULL DEFAULT 0 CHECK (single_sign_on_joins IN (0, 1));
ALTER TABLE tenancy_organizations ADD COLUMN session_idle_seconds INTEGER; -- NULL: as the application says
ALTER TABLE tenancy_organizations ADD COLUMN session_for_seconds INTEGER;
ALTER TABLE tenancy_organizations ADD COLUMN sessions_ended_at INTEGER;    -- ends every session here from before

ALTER TABLE tenancy_memberships ADD COLUMN inviter_id TEXT;    -- NULL: nobody
ALTER TABLE tenancy_memberships ADD COLUMN invitation_id TEXT; -- while pending: what it waits for
ALTER TABLE tenancy_memberships ADD COLUMN expires_at INTEGER; -- while pending: when that runs out
ALTER TABLE tenancy_memberships ADD COLUMN deactivated_at INTEGER; -- while inactive: since when

CREATE INDEX tenancy_memberships_invitation_id
    ON tenancy_memberships (invitation_id, id) WHERE invitation_id IS NOT NULL;

ALTER TABLE tenancy_secrets ADD COLUMN subject TEXT; -- id of what it opens

CREATE INDEX tenancy_secrets_subject ON tenancy_secrets (subject, id) WHERE subject IS NOT NULL;

-- An address asked into one organization, or into the application. A 'pending' one
-- whose time ran out has expired, whether its state says so yet or not.
CREATE TABLE tenancy_invitations (
    id                TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'inv_[0-7]*' AND length(id) = 30),
    version           INTEGER NOT NULL CHECK (version >= 1),
    organization_id   TEXT    REFERENCES tenancy_organizations (id), -- NULL: into the application
    scope             TEXT    NOT NULL,         -- organization_id, '' for none
    email             TEXT    NOT NULL,         -- as given
    email_key         TEXT    NOT NULL,         -- the canonical address
    pending_email_key TEXT,                     -- email_key while pending
    roles             TEXT    NOT NULL CHECK (json_valid(roles)), -- a JSON array of slugs
    metadata          TEXT    CHECK (json_valid(metadata)),       -- for the membership
    inviter_id        TEXT,                     -- NULL: the host
    state             TEXT    NOT NULL,
    sends             INTEGER NOT NULL,         -- how often it was sent
    sent_at           INTEGER NOT NULL,         -- the last time
    expires_at        INTEGER NOT NULL,
    user_id           TEXT,                     -- who accepted it
    decided_at        INTEGER,                  -- when it was accepted, revoked or found expired
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    UNIQUE (scope, pending_email_key)
) STRICT;

-- The first is for the foreign key. Then the pages of an organization's invitations, a
-- person's, and what is due.
CREATE INDEX tenancy_invitations_organization_id ON tenancy_invitations (organization_id, id);
CREATE INDEX tenancy_invitations_scope ON tenancy_invitations (scope, id);
CREATE INDEX tenancy_invitations_scope_state ON tenancy_invitations (scope, state, id);
CREATE INDEX tenancy_invitations_scope_email_key ON tenancy_invitations (scope, email_key, id);
CREATE INDEX tenancy_invitations_email_key_state ON tenancy_invitations (email_key, state, id);
CREATE INDEX tenancy_invitations_inviter_id ON tenancy_invitations (inviter_id, id);
CREATE INDEX tenancy_invitations_user_id ON tenancy_invitations (user_id, id);
CREATE INDEX tenancy_invitations_state_expires_at ON tenancy_invitations (state, expires_at, id);

-- A link into one organization for whoever has it.
CREATE TABLE tenancy_join_codes (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'jcd_[0-7]*' AND length(id) = 30),
    version         INTEGER NOT NULL CHECK (version >= 1),
    organization_id TEXT    NOT NULL REFERENCES tenancy_organizations (id),
    role            TEXT,                       -- a slug; NULL: the organization's default
    allowed_domains TEXT    NOT NULL CHECK (json_valid(allowed_domains)), -- a JSON array; []: any
    max_uses        INTEGER,                    -- NULL: no limit
    uses            INTEGER NOT NULL,
    creator_id      TEXT,                       -- NULL: the host
    expires_at      INTEGER NOT NULL,
    revoked_at      INTEGER,                    -- NULL: not revoked
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX tenancy_join_codes_organization_id ON tenancy_join_codes (organization_id, id);
CREATE INDEX tenancy_join_codes_role ON tenancy_join_codes (role, id);

-- A person's wish to be a member.
CREATE TABLE tenancy_join_requests (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'jrq_[0-7]*' AND length(id) = 30),
    version         INTEGER NOT NULL CHECK (version >= 1),
    organization_id TEXT    NOT NULL REFERENCES tenancy_organizations (id),
    user_id         TEXT    NOT NULL REFERENCES tenancy_users (id),
    pending_user_id TEXT,                       -- user_id while pending
    note            TEXT,                       -- for who decides
    state           TEXT    NOT NULL,
    decider_id      TEXT,                       -- NULL: the host, or nobody yet
    decided_at      INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    UNIQUE (organization_id, pending_user_id)
) STRICT;

CREATE INDEX tenancy_join_requests_organization_id ON tenancy_join_requests (organization_id, id);
CREATE INDEX tenancy_join_requests_organization_id_state ON tenancy_join_requests (organization_id, state, id);
CREATE INDEX tenancy_join_requests_user_id ON tenancy_join_requests (user_id, id);

-- An organization's claim to a domain. Only a state of 'verified' has any effect, and
-- at most one claim to a name has it.
CREATE TABLE tenancy_domains (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'dom_[0-7]*' AND length(id) = 30),
    version         INTEGER NOT NULL CHECK (version >= 1),
    organization_id TEXT    NOT NULL REFERENCES tenancy_organizations (id),
    name            TEXT    NOT NULL,           -- normal form, A-labels
    verified_name   TEXT    UNIQUE,             -- name while verified
    state           TEXT    NOT NULL,
    challenge       TEXT    NOT NULL,           -- to be published; no secret
    subdomains      INTEGER NOT NULL CHECK (subdomains IN (0, 1)), -- it speaks for them too
    joining         TEXT    NOT NULL,           -- what it does for who has an address on it
    role            TEXT,                       -- for them, a slug; NULL: the organization's default
    method          TEXT,                       -- of the proof; NULL: none, or the host's word
    verified_at     INTEGER,
    proved_at       INTEGER,                    -- when the proof was last seen
    missing_since   INTEGER,                    -- NULL: rechecks find it
    subdomains_proved_at     INTEGER,           -- the same two, of the proof for subdomains
    subdomains_missing_since INTEGER,
    due_at          INTEGER,                    -- the next recheck, or when a pending claim fails
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    UNIQUE (organization_id, name)
) STRICT;

CREATE INDEX tenancy_domains_organization_id ON tenancy_domains (organization_id, id);
CREATE INDEX tenancy_domains_name ON tenancy_domains (name, id);
CREATE INDEX tenancy_domains_role ON tenancy_domains (role, id);
CREATE INDEX tenancy_domains_due_at ON tenancy_domains (due_at, id);

-- An organization's single sign-on.
CREATE TABLE tenancy_connections (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'con_[0-7]*' AND length(id) = 30),
    version         INTEGER NOT NULL CHECK (version >= 1),
    organization_id TEXT    NOT NULL REFERENCES tenancy_organizations (id),
    protocol        TEXT    NOT NULL,
    provider        TEXT,                       -- whose it is
    name            TEXT    NOT NULL,
    issuer          TEXT,                       -- entity id or issuer URL
    state           TEXT    NOT NULL,
    settings        TEXT    CHECK (json_valid(settings)),    -- the host's own, a JSON object
    group_roles     TEXT    CHECK (json_valid(group_roles)), -- a JSON object, group to role
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX tenancy_connections_organization_id ON tenancy_connections (organization_id, id);

-- What an organization demands of sign-ins. One without a row demands nothing.
CREATE TABLE tenancy_policies (
    id                  TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'pol_[0-7]*' AND length(id) = 30),
    version             INTEGER NOT NULL CHECK (version >= 1),
    organization_id     TEXT    NOT NULL UNIQUE REFERENCES tenancy_organizations (id),
    domain_policy       TEXT    CHECK (json_valid(domain_policy)),       -- of who is on its domains, a JSON object
    organization_policy TEXT    CHECK (json_valid(organization_policy)), -- of who signs in to it, a JSON object
    exempt              TEXT    NOT NULL CHECK (json_valid(exempt)),     -- a JSON array of the ids of users
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL
) STRICT;

-- A sign-in on one device. Whether it is good is for the program to say: a user, a
-- membership or an organization may have ended it since.
CREATE TABLE tenancy_sessions (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'ses_[0-7]*' AND length(id) = 30),
    version         INTEGER NOT NULL CHECK (version >= 1),
    user_id         TEXT    NOT NULL REFERENCES tenancy_users (id),
    organization_id TEXT    REFERENCES tenancy_organizations (id), -- NULL: none chosen
    membership_id   TEXT,                       -- there; once ended, perhaps gone
    identity_id     TEXT,                       -- what they came by
    method          TEXT,                       -- how they signed in
    connection_id   TEXT,                       -- through which connection
    second_factor   INTEGER NOT NULL CHECK (second_factor IN (0, 1)),
    confined        INTEGER NOT NULL CHECK (confined IN (0, 1)), -- to this organization
    user_agent      TEXT,
    address         TEXT,
    selected_at     INTEGER NOT NULL,           -- when the organization was chosen
    expires_at      INTEGER NOT NULL,
    ended_at        INTEGER,                    -- NULL: not ended
    end_reason      TEXT,
    last_seen_at    INTEGER,                    -- moves without a version
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX tenancy_sessions_user_id ON tenancy_sessions (user_id, id);
CREATE INDEX tenancy_sessions_organization_id ON tenancy_sessions (organization_id, id);
CREATE INDEX tenancy_sessions_membership_id ON tenancy_sessions (membership_id, id);
CREATE INDEX tenancy_sessions_expires_at ON tenancy_sessions (expires_at, id);

INSERT INTO tenancy_schema (version) VALUES (3);
