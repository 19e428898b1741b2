-- Slugs that organizations gave up: for 90 days nobody else takes them.

-- The organization may be deleted since. Hence no foreign key to it.
CREATE TABLE tenancy_former_slugs (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'fsl_[0-7]*' AND length(id) = 30),
    version         INTEGER NOT NULL CHECK (version >= 1),
    slug            TEXT    NOT NULL UNIQUE,
    organization_id TEXT    NOT NULL,
    ends_at         INTEGER NOT NULL -- when everybody may take it again
) STRICT;

CREATE INDEX tenancy_former_slugs_organization_id ON tenancy_former_slugs (organization_id, id);
CREATE INDEX tenancy_former_slugs_ends_at ON tenancy_former_slugs (ends_at, id);

INSERT INTO tenancy_schema (version) VALUES (21);
