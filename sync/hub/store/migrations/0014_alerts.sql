-- Rules by which people are told of conditions. Lists are JSON arrays.
CREATE TABLE alert_rules (
	id         TEXT   NOT NULL PRIMARY KEY,
	title      TEXT   NOT NULL,
	conditions TEXT   NOT NULL, -- none: all
	stations   TEXT   NOT NULL, -- none: all, and the library's own
	delay      BIGINT NOT NULL,
	quiet_from BIGINT NOT NULL, -- since midnight; the same as quiet_to: no quiet hours
	quiet_to   BIGINT NOT NULL,
	loud       TEXT   NOT NULL, -- conditions that are told in quiet hours too
	mail       TEXT   NOT NULL,
	hook       TEXT   NOT NULL,
	language   TEXT   NOT NULL,
	rev        BIGINT NOT NULL
);

-- What people were told of.
CREATE TABLE alerts (
	id        TEXT   NOT NULL PRIMARY KEY,
	rule      TEXT   NOT NULL,
	station   TEXT   NOT NULL, -- '' for the library's own
	condition TEXT   NOT NULL,
	since     BIGINT NOT NULL,
	told      BIGINT NOT NULL,
	seen      BIGINT NOT NULL DEFAULT 0, -- acknowledged
	seen_by   TEXT   NOT NULL DEFAULT '',
	ended     BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX alerts_told ON alerts (told, id);
CREATE INDEX alerts_open ON alerts (rule) WHERE ended = 0;

-- What is on its way to people and programs.
CREATE TABLE letters (
	id      TEXT   NOT NULL PRIMARY KEY,
	rule    TEXT   NOT NULL,
	way     TEXT   NOT NULL, -- mail, hook
	target  TEXT   NOT NULL, -- an address; a hook's name
	subject TEXT   NOT NULL,
	body    TEXT   NOT NULL,
	made    BIGINT NOT NULL,
	again   BIGINT NOT NULL, -- not before; 0: given up
	tries   BIGINT NOT NULL DEFAULT 0,
	why     TEXT   NOT NULL DEFAULT '', -- it failed last
	sent    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX letters_waiting ON letters (again) WHERE sent = 0;

-- Programs that are told of events.
CREATE TABLE subscriptions (
	id       TEXT   NOT NULL PRIMARY KEY,
	hook     TEXT   NOT NULL,
	kinds    TEXT   NOT NULL, -- none: all
	stations TEXT   NOT NULL, -- none: all
	made     BIGINT NOT NULL,
	failing  BIGINT NOT NULL DEFAULT 0, -- since
	why      TEXT   NOT NULL DEFAULT ''
);

-- Up to where a subscription has a ledger's events.
CREATE TABLE subscription_marks (
	subscription TEXT   NOT NULL REFERENCES subscriptions (id),
	station      TEXT   NOT NULL,
	ledger       TEXT   NOT NULL,
	seq          BIGINT NOT NULL,
	PRIMARY KEY (subscription, station, ledger)
);

-- Distinct cards once it is no longer kept what they borrowed: a card's mark is a
-- random word, and it is kept with the months in which it was at a station.
CREATE TABLE marks (
	card TEXT NOT NULL PRIMARY KEY, -- personal data
	mark TEXT NOT NULL
);
CREATE UNIQUE INDEX marks_mark ON marks (mark);
CREATE TABLE visits (
	station TEXT   NOT NULL,
	begins  BIGINT NOT NULL, -- the month, in the library's place
	ends    BIGINT NOT NULL,
	mark    TEXT   NOT NULL,
	PRIMARY KEY (station, begins, mark)
);
