-- Who may use the pages. What opens something (a password, a session, a link, a
-- token) is here as a hash alone.

CREATE TABLE accounts (
	name     TEXT   NOT NULL PRIMARY KEY,
	title    TEXT   NOT NULL,
	password TEXT   NOT NULL, -- a hash; '' when there is none
	subject  TEXT   NOT NULL, -- issuer and subject, of one who signs in elsewhere; else ''
	made     BIGINT NOT NULL,
	signed   BIGINT NOT NULL DEFAULT 0 -- in, last
);
CREATE UNIQUE INDEX accounts_subject ON accounts (subject) WHERE subject <> '';

CREATE TABLE grants (
	account TEXT NOT NULL REFERENCES accounts (name),
	station TEXT NOT NULL, -- '' for the whole library
	role    TEXT NOT NULL,
	PRIMARY KEY (account, station)
);

-- One-time links by which somebody chooses a password.
CREATE TABLE links (
	hash    TEXT   NOT NULL PRIMARY KEY,
	account TEXT   NOT NULL REFERENCES accounts (name),
	expires BIGINT NOT NULL
);

CREATE TABLE sessions (
	hash    TEXT   NOT NULL PRIMARY KEY,
	id      TEXT   NOT NULL, -- for lists
	account TEXT   NOT NULL REFERENCES accounts (name),
	begun   BIGINT NOT NULL,
	seen    BIGINT NOT NULL,
	address TEXT   NOT NULL,
	agent   TEXT   NOT NULL
);
CREATE INDEX sessions_account ON sessions (account);

CREATE TABLE tokens (
	hash    TEXT   NOT NULL PRIMARY KEY,
	id      TEXT   NOT NULL, -- for lists
	account TEXT   NOT NULL REFERENCES accounts (name),
	title   TEXT   NOT NULL,
	scopes  TEXT   NOT NULL, -- by spaces
	made    BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	used    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX tokens_account ON tokens (account);

-- What was done with personal data, settings and accounts. About is a patron or an
-- item or an account or a station: one of them, never two.
CREATE TABLE trail (
	place   BIGINT NOT NULL PRIMARY KEY, -- counted
	at      BIGINT NOT NULL,
	who     TEXT   NOT NULL,
	address TEXT   NOT NULL,
	what    TEXT   NOT NULL,
	about   TEXT   NOT NULL
);
CREATE INDEX trail_at ON trail (at);
