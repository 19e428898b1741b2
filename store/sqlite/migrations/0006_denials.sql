-- An event by its id, where an actor goes on reading: they see no positions.
CREATE INDEX tenancy_events_id ON tenancy_events (id);

INSERT INTO tenancy_schema (version) VALUES (6);
