-- What the pages ask for. The figures read all that happened in a time at many
-- stations, and nothing else of each event.
DROP INDEX events_time;
CREATE INDEX events_time ON events (station, at, kind, undone, patron);
CREATE INDEX events_met ON events (station, patron, at) WHERE kind = 'PatronMet';
CREATE INDEX events_counted ON events (station, at) WHERE kind = 'ShelfCounted';
CREATE INDEX events_log ON events (station, received) WHERE kind = 'LogSent';
