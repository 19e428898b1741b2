-- When the proofs of domains are looked for.

-- One row a claim, under the id of the claim, apart from it: a look is no change of the claim.
-- It stays for an hour after a new claim that was released, which is counted all the same.
-- Hence no foreign key.
CREATE TABLE tenancy_domain_looks (
    id                  TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'dlk_[0-7]*' AND length(id) = 30),
    version             INTEGER NOT NULL CHECK (version >= 1),
    organization_id     TEXT    NOT NULL,
    actor               TEXT    NOT NULL, -- who claimed it: 'user:usr_...', 'host'
    method              TEXT,             -- by which it was asked for last; NULL: it was not
    reason              TEXT,             -- why the last look found nothing; NULL: there was none
    claimed_at          INTEGER,          -- NULL: by the host's word, which is not counted
    asked_at            INTEGER,          -- when somebody asked for a look last
    subdomains_asked_at INTEGER,          -- the same, at the proof for subdomains
    due_at              INTEGER           -- the next look that nobody asks for; NULL: none
) STRICT;

CREATE INDEX tenancy_domain_looks_organization_id_claimed_at ON tenancy_domain_looks (organization_id, claimed_at, id);
CREATE INDEX tenancy_domain_looks_actor_claimed_at ON tenancy_domain_looks (actor, claimed_at, id);
CREATE INDEX tenancy_domain_looks_due_at ON tenancy_domain_looks (due_at, id);

-- Claims that wait already are looked at as soon as may be. Nobody noted who made them: what
-- is above a nobody takes a person who asks.
INSERT INTO tenancy_domain_looks (id, version, organization_id, actor, due_at)
SELECT 'dlk_' || substr(id, 5), 1, organization_id, 'user', created_at
FROM tenancy_domains WHERE state = 'pending';

INSERT INTO tenancy_schema (version) VALUES (8);
