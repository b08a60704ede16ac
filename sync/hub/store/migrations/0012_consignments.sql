-- What goes to a station in a box, and what became of it there.
CREATE TABLE consignments (
	id          TEXT   NOT NULL PRIMARY KEY, -- what stands on the box
	station     TEXT   NOT NULL REFERENCES stations (id),
	title       TEXT   NOT NULL,
	state       TEXT   NOT NULL, -- packing, sent, receiving, received, resolved
	made        BIGINT NOT NULL,
	made_by     TEXT   NOT NULL,
	sent        BIGINT NOT NULL DEFAULT 0,
	sent_by     TEXT   NOT NULL DEFAULT '',
	received    BIGINT NOT NULL DEFAULT 0, -- when the station last had a hand in it
	closed      BIGINT NOT NULL DEFAULT 0, -- when a person said that nothing more will come
	resolved    BIGINT NOT NULL DEFAULT 0,
	resolved_by TEXT   NOT NULL DEFAULT '', -- '': there was nothing to resolve
	told        BIGINT NOT NULL DEFAULT 0  -- its station has it on its list
);
CREATE INDEX consignments_station ON consignments (station, state);

-- The names of consignments: letters of this hub alone and a number.
CREATE TABLE consigning (letters TEXT NOT NULL, number BIGINT NOT NULL);
INSERT INTO consigning (letters, number) VALUES ('', 0);

CREATE TABLE consigned (
	consignment TEXT   NOT NULL REFERENCES consignments (id),
	item        TEXT   NOT NULL,
	state       TEXT   NOT NULL, -- planned, packed, seen, missing, extra, moved
	packed      BIGINT NOT NULL DEFAULT 0, -- 0: planned, or extra
	packed_by   TEXT   NOT NULL DEFAULT '',
	moved       BIGINT NOT NULL DEFAULT 0, -- when it was packed into another one
	moved_to    TEXT   NOT NULL DEFAULT '',
	seen        BIGINT NOT NULL DEFAULT 0,
	station     TEXT   NOT NULL DEFAULT '', -- where it was seen
	outcome     TEXT   NOT NULL DEFAULT '', -- what a person decided of a difference
	outcome_at  BIGINT NOT NULL DEFAULT 0,
	outcome_by  TEXT   NOT NULL DEFAULT '',
	PRIMARY KEY (consignment, item)
);
CREATE INDEX consigned_item ON consigned (item);

-- The items of an event that is about many: a shelf that was counted, a consignment
-- that was checked.
CREATE TABLE listings (
	station TEXT   NOT NULL,
	ledger  TEXT   NOT NULL,
	seq     BIGINT NOT NULL,
	item    TEXT   NOT NULL,
	how     TEXT   NOT NULL, -- seen, extra, missing
	PRIMARY KEY (station, ledger, seq, item)
);
CREATE INDEX listings_item ON listings (item);
CREATE INDEX events_count ON events (station, at) WHERE kind = 'ShelfCounted';
CREATE INDEX events_named ON events (station, note) WHERE kind IN ('Placed', 'ConsignmentChecked');

-- Where items belong since they were sent there, whatever an export says of before.
CREATE TABLE homes (
	item    TEXT NOT NULL PRIMARY KEY,
	station TEXT NOT NULL,
	was     TEXT NOT NULL -- what the library's export said then
);

-- What stations are asked to take out.
CREATE TABLE recalls (
	item  TEXT   NOT NULL PRIMARY KEY,
	list  TEXT   NOT NULL, -- a consignment that waits for it, or "library"
	title TEXT   NOT NULL,
	at    BIGINT NOT NULL,
	who   TEXT   NOT NULL,
	told  TEXT   NOT NULL DEFAULT '', -- the station that has it on its list
	taken BIGINT NOT NULL DEFAULT 0,  -- a station took it out
	ended BIGINT NOT NULL DEFAULT 0   -- it came to the library, or nobody wants it any more
);
CREATE INDEX recalls_told ON recalls (told, list);

-- What people decided about what a count found. It holds until the next count.
CREATE TABLE judgements (
	station TEXT   NOT NULL,
	item    TEXT   NOT NULL,
	what    TEXT   NOT NULL, -- missing, lent, foreign
	outcome TEXT   NOT NULL,
	at      BIGINT NOT NULL,
	who     TEXT   NOT NULL,
	PRIMARY KEY (station, item, what)
);

-- Items that were given up.
CREATE TABLE losses (
	item    TEXT   NOT NULL PRIMARY KEY,
	station TEXT   NOT NULL,
	source  TEXT   NOT NULL, -- a consignment, or '' for a count
	at      BIGINT NOT NULL,
	who     TEXT   NOT NULL
);

ALTER TABLE stations ADD COLUMN capacity BIGINT NOT NULL DEFAULT 0; -- of its shelf, in items; 0 is not known

-- Rounds on which items go from station to station.
CREATE TABLE rotas (
	id       BIGINT NOT NULL PRIMARY KEY,
	title    TEXT   NOT NULL,
	cyclical BIGINT NOT NULL, -- after the last stage comes the first
	active   BIGINT NOT NULL
);
CREATE TABLE stages (
	rota     BIGINT NOT NULL REFERENCES rotas (id),
	position BIGINT NOT NULL, -- from 1
	station  TEXT   NOT NULL REFERENCES stations (id),
	days     BIGINT NOT NULL,
	PRIMARY KEY (rota, position)
);
CREATE TABLE rotating (
	item     TEXT   NOT NULL PRIMARY KEY, -- on one rota at most
	rota     BIGINT NOT NULL REFERENCES rotas (id),
	position BIGINT NOT NULL,
	since    BIGINT NOT NULL -- at that stage; 0: it is not there yet
);
CREATE INDEX rotating_rota ON rotating (rota, position);
