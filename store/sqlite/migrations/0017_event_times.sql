-- Times of events never decrease along positions: one that is earlier than the event before it
-- gets the time of that. One from the future, by a clock that was wrong, gets the time of the
-- event before it, too: otherwise all behind it would be from then.

UPDATE tenancy_events SET time = mended.newest
FROM (
    SELECT position, newest
    FROM (
        SELECT position, time, coalesce(
            max(CASE WHEN time <= unixepoch('now') * 1000000 + 60000000 THEN time END) OVER (ORDER BY position),
            min(time) OVER ()) AS newest
        FROM tenancy_events
    )
    WHERE time <> newest
) AS mended
WHERE tenancy_events.position = mended.position;

INSERT INTO tenancy_schema (version) VALUES (17);
