-- How many active members an organization has that limits its seats, so that nobody counts them.

-- One row an organization with a limit, under its id.
CREATE TABLE tenancy_seats (
    id      TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'sct_[0-7]*' AND length(id) = 30),
    version INTEGER NOT NULL CHECK (version >= 1),
    members INTEGER NOT NULL
) STRICT;

INSERT INTO tenancy_seats (id, version, members)
SELECT 'sct_' || substr(o.id, 5), 1, (SELECT count(*) FROM tenancy_memberships WHERE organization_id = o.id AND status = 'active')
FROM tenancy_organizations AS o
WHERE o.seat_limit IS NOT NULL;

-- Members whom the host suspended have no seat. They are few, and have an index of their own.
ALTER TABLE tenancy_memberships RENAME COLUMN user_suspended TO was_suspended;
ALTER TABLE tenancy_memberships ADD COLUMN user_suspended INTEGER CHECK (user_suspended IN (0, 1)); -- 1: by the host; NULL: no, or pending
UPDATE tenancy_memberships SET user_suspended = 1 WHERE was_suspended = 1;
ALTER TABLE tenancy_memberships DROP COLUMN was_suspended;
CREATE INDEX tenancy_memberships_organization_id_set_user_suspended ON tenancy_memberships (organization_id, id) WHERE user_suspended IS NOT NULL;

INSERT INTO tenancy_schema (version) VALUES (16);
