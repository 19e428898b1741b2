-- Indexes that fit the lists: they go on by the state, and those of what is rare hold it alone.

ALTER TABLE tenancy_role_assignments ADD COLUMN sourced_by TEXT; -- source_id; NULL: a person gave it
UPDATE tenancy_role_assignments SET sourced_by = source_id WHERE source_id <> '';

DROP INDEX tenancy_organizations_name_key;
DROP INDEX tenancy_organizations_default_role;
DROP INDEX tenancy_organizations_creator_role;
DROP INDEX tenancy_organizations_deleted_at;
CREATE INDEX tenancy_organizations_name_key_set_suspended_at ON tenancy_organizations (name_key, id) WHERE suspended_at IS NOT NULL;
CREATE INDEX tenancy_organizations_name_key_set_archived_at ON tenancy_organizations (name_key, id) WHERE archived_at IS NOT NULL;
CREATE INDEX tenancy_organizations_name_key_null_archived_at ON tenancy_organizations (name_key, id) WHERE archived_at IS NULL;
CREATE INDEX tenancy_organizations_set_suspended_at ON tenancy_organizations (id) WHERE suspended_at IS NOT NULL;
CREATE INDEX tenancy_organizations_set_archived_at ON tenancy_organizations (id) WHERE archived_at IS NOT NULL;
CREATE INDEX tenancy_organizations_default_role ON tenancy_organizations (default_role, id) WHERE default_role IS NOT NULL;
CREATE INDEX tenancy_organizations_creator_role ON tenancy_organizations (creator_role, id) WHERE creator_role IS NOT NULL;
CREATE INDEX tenancy_organizations_set_deleted_at ON tenancy_organizations (id) WHERE deleted_at IS NOT NULL;

DROP INDEX tenancy_users_merged_into;
CREATE INDEX tenancy_users_name_key_set_suspended_at ON tenancy_users (name_key, id) WHERE suspended_at IS NOT NULL;
CREATE INDEX tenancy_users_email_key_set_suspended_at ON tenancy_users (email_key, id) WHERE suspended_at IS NOT NULL;
CREATE INDEX tenancy_users_set_suspended_at ON tenancy_users (id) WHERE suspended_at IS NOT NULL;
CREATE INDEX tenancy_users_merged_into ON tenancy_users (merged_into, id) WHERE merged_into IS NOT NULL;

DROP INDEX tenancy_memberships_organization_id;
DROP INDEX tenancy_memberships_organization_id_name_key;
DROP INDEX tenancy_memberships_organization_id_email_key;
DROP INDEX tenancy_memberships_user_id;
CREATE INDEX tenancy_memberships_organization_id_status_name_key ON tenancy_memberships (organization_id, status, name_key, id);
CREATE INDEX tenancy_memberships_organization_id_status_email_key ON tenancy_memberships (organization_id, status, email_key, id);

CREATE INDEX tenancy_role_assignments_sourced_by ON tenancy_role_assignments (sourced_by, id) WHERE sourced_by IS NOT NULL;

DROP INDEX tenancy_secrets_user_id;
CREATE INDEX tenancy_secrets_user_id_kind ON tenancy_secrets (user_id, kind, id) WHERE user_id IS NOT NULL;

DROP INDEX tenancy_invitations_organization_id;
DROP INDEX tenancy_invitations_scope;
DROP INDEX tenancy_invitations_inviter_id;
DROP INDEX tenancy_invitations_user_id;
DROP INDEX tenancy_invitations_mail_due_at;
CREATE INDEX tenancy_invitations_inviter_id ON tenancy_invitations (inviter_id, id) WHERE inviter_id IS NOT NULL;
CREATE INDEX tenancy_invitations_user_id ON tenancy_invitations (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX tenancy_invitations_organization_id ON tenancy_invitations (organization_id, id) WHERE organization_id IS NOT NULL;
CREATE INDEX tenancy_invitations_mail_due_at ON tenancy_invitations (mail_due_at, id) WHERE mail_due_at IS NOT NULL;

DROP INDEX tenancy_join_codes_role;
DROP INDEX tenancy_join_codes_open_for_expires_at;
DROP INDEX tenancy_join_codes_creator_id;
CREATE INDEX tenancy_join_codes_role ON tenancy_join_codes (role, id) WHERE role IS NOT NULL;
CREATE INDEX tenancy_join_codes_creator_id ON tenancy_join_codes (creator_id, id) WHERE creator_id IS NOT NULL;
CREATE INDEX tenancy_join_codes_open_for_expires_at ON tenancy_join_codes (open_for, expires_at, id) WHERE open_for IS NOT NULL;

DROP INDEX tenancy_join_requests_organization_id;
DROP INDEX tenancy_join_requests_user_id;

DROP INDEX tenancy_domains_role;
DROP INDEX tenancy_domains_due_at;
CREATE INDEX tenancy_domains_role ON tenancy_domains (role, id) WHERE role IS NOT NULL;
CREATE INDEX tenancy_domains_due_at ON tenancy_domains (due_at, id) WHERE due_at IS NOT NULL;

DROP INDEX tenancy_domain_looks_due_at;
CREATE INDEX tenancy_domain_looks_due_at ON tenancy_domain_looks (due_at, id) WHERE due_at IS NOT NULL;

CREATE INDEX tenancy_sessions_user_id_null_ended_at ON tenancy_sessions (user_id, id) WHERE ended_at IS NULL;
CREATE INDEX tenancy_sessions_organization_id_null_ended_at ON tenancy_sessions (organization_id, id) WHERE ended_at IS NULL;

INSERT INTO tenancy_schema (version) VALUES (15);
