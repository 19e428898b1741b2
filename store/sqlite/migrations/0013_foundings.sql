-- Organizations that people founded for themselves: they are counted.

-- One row an organization, under its id. It stays for a day after the founding of one that was
-- deleted, which is counted all the same. Hence no foreign key to that.
CREATE TABLE tenancy_foundings (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'fnd_[0-7]*' AND length(id) = 30),
    version    INTEGER NOT NULL CHECK (version >= 1),
    user_id    TEXT    NOT NULL REFERENCES tenancy_users (id),
    founded_at INTEGER NOT NULL,
    ends_at    INTEGER -- when one that was deleted counts no more; NULL: it exists
) STRICT;

CREATE INDEX tenancy_foundings_user_id ON tenancy_foundings (user_id, id);

INSERT INTO tenancy_schema (version) VALUES (13);
