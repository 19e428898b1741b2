-- Invitations whose person founds an organization.

-- The organization founded may be deleted since. Hence no foreign key to it.
ALTER TABLE tenancy_invitations ADD COLUMN found TEXT CHECK (json_valid(found)); -- JSON: what the organization will be like
ALTER TABLE tenancy_invitations ADD COLUMN founded_id TEXT;

INSERT INTO tenancy_schema (version) VALUES (23);
