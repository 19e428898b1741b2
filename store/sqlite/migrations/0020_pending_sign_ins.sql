-- Sign-ins that need one more thing: what the person has proved, for ten minutes.

-- One row a token, under the first bytes of its hash.
CREATE TABLE tenancy_pending_sign_ins (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'psi_[0-7]*' AND length(id) = 30),
    version    INTEGER NOT NULL CHECK (version >= 1),
    hash       TEXT    NOT NULL UNIQUE,        -- SHA-256 of the token, in hex
    user_id    TEXT    REFERENCES tenancy_users (id), -- NULL: somebody new
    email_key  TEXT,                           -- of somebody new: the address that they proved
    evidence   TEXT    CHECK (json_valid(evidence)), -- JSON: what the person proved, without secrets
    wishes     TEXT    CHECK (json_valid(wishes)),   -- JSON: what they wanted
    failures   INTEGER NOT NULL,               -- uses that were refused
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX tenancy_pending_sign_ins_user_id ON tenancy_pending_sign_ins (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX tenancy_pending_sign_ins_email_key ON tenancy_pending_sign_ins (email_key, id) WHERE email_key IS NOT NULL;
CREATE INDEX tenancy_pending_sign_ins_expires_at ON tenancy_pending_sign_ins (expires_at, id);

INSERT INTO tenancy_schema (version) VALUES (20);
