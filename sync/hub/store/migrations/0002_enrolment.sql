ALTER TABLE stations DROP COLUMN round_trip;
ALTER TABLE stations ADD COLUMN title TEXT NOT NULL DEFAULT '';           -- what people call it
ALTER TABLE stations ADD COLUMN revoked BIGINT NOT NULL DEFAULT 0;        -- when it was turned away
ALTER TABLE stations ADD COLUMN pending_since BIGINT NOT NULL DEFAULT 0;  -- since when it took none of its notices
UPDATE stations SET pending_since = heard WHERE told > taken;

-- The certificates that stations were given.
CREATE TABLE certificates (
	serial  TEXT   NOT NULL PRIMARY KEY, -- in hexadecimal
	station TEXT   NOT NULL REFERENCES stations (id),
	expires BIGINT NOT NULL,
	revoked BIGINT NOT NULL DEFAULT 0
);

-- One-time codes, kept when used or expired so that whoever types one in is told.
CREATE TABLE codes (
	id      TEXT   NOT NULL PRIMARY KEY, -- in hexadecimal, made from the code
	station TEXT   NOT NULL REFERENCES stations (id),
	secret  BLOB   NOT NULL, -- made from the code; empty once it is of no more use
	expires BIGINT NOT NULL,
	used    BIGINT NOT NULL DEFAULT 0
);

-- What one program tells another by way of the store.
CREATE TABLE facts (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
);
