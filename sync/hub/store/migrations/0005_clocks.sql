-- How far off the best time of an event may be, either way.
ALTER TABLE events ADD COLUMN err BIGINT NOT NULL DEFAULT 0;
CREATE INDEX events_unsure ON events (station, ledger, seq) WHERE err > 60000;

-- A run's start may be off by so much either way where the station's clock
-- counted heard; further from there by its drift.
ALTER TABLE boots ADD COLUMN err BIGINT NOT NULL DEFAULT 60000;
ALTER TABLE boots ADD COLUMN heard BIGINT NOT NULL DEFAULT 0;

ALTER TABLE postings ADD COLUMN err BIGINT NOT NULL DEFAULT 0; -- of at
