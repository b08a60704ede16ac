-- Times are milliseconds since 1970 in UTC, 0 for none; lengths of time are
-- milliseconds. Truth is 0 or 1. Refs and UUIDs are text in hexadecimal.

CREATE TABLE stations (
	id           TEXT    NOT NULL PRIMARY KEY,
	shard        BIGINT  NOT NULL,
	signing      BLOB    NOT NULL, -- verifies what comes up
	password     BLOB    NOT NULL, -- SHA-256
	enrolled     BIGINT  NOT NULL,
	online       BIGINT  NOT NULL DEFAULT 0,
	heard        BIGINT  NOT NULL DEFAULT 0, -- anything at all from it
	boot         TEXT    NOT NULL DEFAULT '',
	session      BIGINT  NOT NULL DEFAULT 0, -- of the boot: an old will is told by it
	ledger       TEXT    NOT NULL DEFAULT '',
	reported     BIGINT  NOT NULL DEFAULT 0, -- the last event it says it has
	behind_since BIGINT  NOT NULL DEFAULT 0, -- since when that is more than we have
	round_trip   BIGINT  NOT NULL DEFAULT 0, -- the shortest known
	version      TEXT    NOT NULL DEFAULT '', -- of its program
	stream       TEXT    NOT NULL DEFAULT '', -- of notices
	told         BIGINT  NOT NULL DEFAULT 0, -- the stream's last notice
	taken        BIGINT  NOT NULL DEFAULT 0  -- the last one the station has
);

CREATE TABLE ledgers (
	station TEXT   NOT NULL REFERENCES stations (id),
	ledger  TEXT   NOT NULL,
	cursor  BIGINT NOT NULL DEFAULT 0, -- the last event taken in
	chain   BLOB   NOT NULL,           -- over all of them
	state   TEXT   NOT NULL,           -- ok, closed, quarantined
	opened  BIGINT NOT NULL,
	PRIMARY KEY (station, ledger)
);

CREATE TABLE events (
	station    TEXT   NOT NULL,
	ledger     TEXT   NOT NULL,
	seq        BIGINT NOT NULL,
	kind       TEXT   NOT NULL,
	wall       BIGINT NOT NULL,
	clock      BIGINT NOT NULL,
	boot       TEXT   NOT NULL,
	uptime     BIGINT NOT NULL,
	received   BIGINT NOT NULL,
	at         BIGINT NOT NULL, -- when it happened, as well as we know
	item       TEXT   NOT NULL DEFAULT '',
	patron     TEXT   NOT NULL DEFAULT '', -- a ref
	acted      TEXT   NOT NULL DEFAULT '', -- a ref: whose hands
	due        BIGINT NOT NULL DEFAULT 0,
	note       TEXT   NOT NULL DEFAULT '', -- a fault's name, a version, a screen
	undone     BIGINT NOT NULL DEFAULT 0,
	chain      BLOB   NOT NULL,            -- over this event and all before it
	raw        BLOB   NOT NULL,            -- as the station wrote it
	PRIMARY KEY (station, ledger, seq),
	FOREIGN KEY (station, ledger) REFERENCES ledgers (station, ledger)
);
CREATE INDEX events_item ON events (item, at) WHERE item <> '';
CREATE INDEX events_time ON events (station, at);

-- The start of each run of a station's computer on the hub's clock.
CREATE TABLE boots (
	station TEXT   NOT NULL REFERENCES stations (id),
	boot    TEXT   NOT NULL,
	began   BIGINT NOT NULL, -- never earlier than it was; late by at most the way of the quickest message
	PRIMARY KEY (station, boot)
);

-- Whom a station's references stand for. Personal data.
CREATE TABLE refs (
	station TEXT NOT NULL REFERENCES stations (id),
	ref     TEXT NOT NULL,
	patron  TEXT NOT NULL,
	PRIMARY KEY (station, ref)
);

CREATE TABLE loans (
	item    TEXT   NOT NULL PRIMARY KEY,
	station TEXT   NOT NULL REFERENCES stations (id),
	ledger  TEXT   NOT NULL,
	seq     BIGINT NOT NULL, -- the event that began it
	patron  TEXT   NOT NULL, -- a ref of the station
	acted   TEXT   NOT NULL,
	at      BIGINT NOT NULL,
	due     BIGINT NOT NULL,
	renewed BIGINT NOT NULL,
	house   BIGINT NOT NULL  -- lent to the house, to nobody
);
CREATE INDEX loans_station ON loans (station);

-- Where an item was seen last.
CREATE TABLE places (
	item    TEXT   NOT NULL PRIMARY KEY,
	station TEXT   NOT NULL REFERENCES stations (id),
	place   TEXT   NOT NULL, -- shelf, loan, house, box, away
	at      BIGINT NOT NULL
);

CREATE TABLE conditions (
	station TEXT   NOT NULL REFERENCES stations (id),
	name    TEXT   NOT NULL,
	detail  TEXT   NOT NULL,
	since   BIGINT NOT NULL,
	PRIMARY KEY (station, name)
);

CREATE TABLE items (
	id       TEXT   NOT NULL PRIMARY KEY,
	title    TEXT   NOT NULL,
	author   TEXT   NOT NULL,
	year     BIGINT NOT NULL,
	language TEXT   NOT NULL,
	subject  TEXT   NOT NULL,
	marks    BIGINT NOT NULL,
	parts    BIGINT NOT NULL,
	home     TEXT   NOT NULL,
	search   TEXT   NOT NULL -- title, author and identifier in lower case
);

-- Personal data.
CREATE TABLE patrons (
	id         TEXT   NOT NULL PRIMARY KEY,
	first_name TEXT   NOT NULL,
	policy     TEXT   NOT NULL,
	staff      BIGINT NOT NULL,
	blocked    BIGINT NOT NULL,
	language   TEXT   NOT NULL,
	cards      TEXT   NOT NULL -- a JSON array
);

CREATE TABLE policies (
	id         TEXT   NOT NULL PRIMARY KEY,
	loan_days  BIGINT NOT NULL,
	max_items  BIGINT NOT NULL,
	renewals   BIGINT NOT NULL,
	fee_free   BIGINT NOT NULL,
	overdue_ok BIGINT NOT NULL
);

-- Personal data.
CREATE TABLE proxies (
	id        TEXT   NOT NULL PRIMARY KEY,
	principal TEXT   NOT NULL,
	agent     TEXT   NOT NULL,
	scopes    BIGINT NOT NULL,
	once      BIGINT NOT NULL,
	begins    BIGINT NOT NULL,
	ends      BIGINT NOT NULL
);

CREATE TABLE notices (
	station TEXT   NOT NULL REFERENCES stations (id),
	stream  TEXT   NOT NULL,
	seq     BIGINT NOT NULL,
	topic   TEXT   NOT NULL, -- what it is about: a later notice on the same topic replaces it
	chain   BLOB   NOT NULL, -- over this notice and all before it
	raw     BLOB   NOT NULL,
	PRIMARY KEY (station, stream, seq)
);
CREATE INDEX notices_topic ON notices (station, stream, topic, seq);
