-- Times of events never decrease along positions: one that is earlier than the event before it
-- gets the time of that.

UPDATE tenancy_events SET time = late.newest
FROM (
    SELECT position, newest
    FROM (SELECT position, time, max(time) OVER (ORDER BY position) AS newest FROM tenancy_events)
    WHERE time < newest
) AS late
WHERE tenancy_events.position = late.position;

INSERT INTO tenancy_schema (version) VALUES (17);
