-- Proofs of mailboxes, whether or not there is a user with the address.

-- The key under which addresses and clients are hashed: one row, made by whoever needs it first.
CREATE TABLE tenancy_seals (
    id      TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'sea_[0-7]*' AND length(id) = 30),
    version INTEGER NOT NULL CHECK (version >= 1),
    key     TEXT    NOT NULL
) STRICT;

-- One row a proof, until an hour after it runs out.
CREATE TABLE tenancy_mailbox_proofs (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'mbp_[0-7]*' AND length(id) = 30),
    version    INTEGER NOT NULL CHECK (version >= 1),
    handle     TEXT    NOT NULL, -- hash of the secret of the browser that asked
    link       TEXT    NOT NULL UNIQUE, -- hash of the token in the mail
    code       TEXT,             -- hash of the handle and the code; NULL: it has none
    email      TEXT,             -- NULL: it has ended
    address    TEXT    NOT NULL, -- keyed hash of the canonical address
    client     TEXT    NOT NULL, -- keyed hash of who asked
    tries      INTEGER NOT NULL, -- wrong codes
    ended_at   INTEGER,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    open_for   TEXT              -- the address; NULL: it has ended
) STRICT;

CREATE INDEX tenancy_mailbox_proofs_address ON tenancy_mailbox_proofs (address, id);
CREATE INDEX tenancy_mailbox_proofs_open_for ON tenancy_mailbox_proofs (open_for, id) WHERE open_for IS NOT NULL;
CREATE INDEX tenancy_mailbox_proofs_expires_at ON tenancy_mailbox_proofs (expires_at, id);

-- How many codes, wrong codes and proofs an address or a client has had. Whose they are shows in the id
-- alone, which is made from a keyed hash.
CREATE TABLE tenancy_proof_counts (
    id      TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'prc_[0-7]*' AND length(id) = 30),
    version INTEGER NOT NULL CHECK (version >= 1),
    kind    TEXT    NOT NULL,
    count   INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT;

CREATE INDEX tenancy_proof_counts_ends_at ON tenancy_proof_counts (ends_at, id);

INSERT INTO tenancy_schema (version) VALUES (18);
