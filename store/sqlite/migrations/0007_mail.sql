-- Mails that went to an address, to bound how many it gets.

-- One row a mail, for 30 days. It names nobody who could have been deleted meanwhile: the
-- address is a hash, and whoever had it sent a mention.
CREATE TABLE tenancy_mails (
    id      TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'mai_[0-7]*' AND length(id) = 30),
    version INTEGER NOT NULL CHECK (version >= 1),
    scope   TEXT    NOT NULL, -- id of the organization, or of the user; '': the application
    address TEXT    NOT NULL, -- a hash of the canonical address
    kind    TEXT    NOT NULL,
    sent_at INTEGER NOT NULL
) STRICT;

CREATE INDEX tenancy_mails_address ON tenancy_mails (address, id);
CREATE INDEX tenancy_mails_scope ON tenancy_mails (scope, id);
CREATE INDEX tenancy_mails_sent_at ON tenancy_mails (sent_at, id);

ALTER TABLE tenancy_invitations ADD COLUMN mail_due_at INTEGER; -- when its mail, which waits, is tried; NULL: it went

CREATE INDEX tenancy_invitations_mail_due_at ON tenancy_invitations (mail_due_at, id);

INSERT INTO tenancy_schema (version) VALUES (7);
