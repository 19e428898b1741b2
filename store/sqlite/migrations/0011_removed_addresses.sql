-- The addresses that people had proved while they were members of an organization, without their
-- "+" tags: by these, too, who was removed or is inactive does not come in by another account.
CREATE TABLE tenancy_member_addresses (
    id              TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'mad_[0-7]*' AND length(id) = 30),
    version         INTEGER NOT NULL CHECK (version >= 1),
    organization_id TEXT    NOT NULL REFERENCES tenancy_organizations (id),
    user_id         TEXT    NOT NULL,           -- who may be deleted since
    email_key       TEXT    NOT NULL,           -- canonical, without its "+" tag
    UNIQUE (organization_id, user_id, email_key)
) STRICT;

CREATE INDEX tenancy_member_addresses_organization_id ON tenancy_member_addresses (organization_id, id);
CREATE INDEX tenancy_member_addresses_organization_id_user_id ON tenancy_member_addresses (organization_id, user_id, id);
CREATE INDEX tenancy_member_addresses_organization_id_email_key ON tenancy_member_addresses (organization_id, email_key, id);
CREATE INDEX tenancy_member_addresses_user_id ON tenancy_member_addresses (user_id, id);
CREATE INDEX tenancy_member_addresses_email_key ON tenancy_member_addresses (email_key, id);

INSERT INTO tenancy_member_addresses
SELECT 'mad_' || substr(id, 5), 1, organization_id, user_id, email_key FROM tenancy_removals WHERE email_key <> '';

INSERT INTO tenancy_member_addresses
SELECT 'mad_' || substr(m.id, 5), 1, m.organization_id, m.user_id,
       CASE WHEN instr(u.email_key, '+') > 1
            THEN substr(u.email_key, 1, instr(u.email_key, '+') - 1) || substr(u.email_key, instr(u.email_key, '@'))
            ELSE u.email_key END
FROM tenancy_memberships AS m JOIN tenancy_users AS u ON u.id = m.user_id
WHERE m.status = 'inactive' AND u.email_verified_at IS NOT NULL;

DROP INDEX tenancy_removals_email_key;
ALTER TABLE tenancy_removals DROP COLUMN email_key;

-- The oldest of those who left, to make room.
CREATE INDEX tenancy_removals_organization_id_by_leaving ON tenancy_removals (organization_id, by_leaving, id);

-- Join codes go with who made them, into whom those are merged.
CREATE INDEX tenancy_join_codes_creator_id ON tenancy_join_codes (creator_id, id);

INSERT INTO tenancy_schema (version) VALUES (11);
