-- What names the state of the declarations: at most one row.

CREATE TABLE tenancy_declaration_marks (
    id      TEXT    NOT NULL PRIMARY KEY CHECK (id GLOB 'dcm_[0-7]*' AND length(id) = 30),
    version INTEGER NOT NULL CHECK (version >= 1),
    mark    TEXT    NOT NULL -- new with each transaction that changes what is declared
) STRICT;

INSERT INTO tenancy_schema (version) VALUES (14);
