-- What becomes of events at a library system, by the system's name: another one
-- begins anew.

-- Up to where a ledger's events have been queued.
CREATE TABLE post_marks (
	ils     TEXT   NOT NULL,
	station TEXT   NOT NULL,
	ledger  TEXT   NOT NULL,
	seq     BIGINT NOT NULL,
	sorts   BIGINT NOT NULL, -- of its last event: no later one is sorted before it
	PRIMARY KEY (ils, station, ledger)
);

CREATE TABLE postings (
	ils      TEXT   NOT NULL,
	station  TEXT   NOT NULL,
	ledger   TEXT   NOT NULL,
	seq      BIGINT NOT NULL, -- the event
	place    BIGINT NOT NULL, -- when it was queued, counted
	rev      BIGINT NOT NULL DEFAULT 0, -- compare-and-set: two posters send nothing twice
	op       TEXT   NOT NULL, -- lend, take back, renew, undo
	item     TEXT   NOT NULL,
	patron   TEXT   NOT NULL, -- a ref of the station
	was_with TEXT   NOT NULL, -- a ref: whose loan it was as the station knew
	at       BIGINT NOT NULL,
	sorts    BIGINT NOT NULL, -- the order of an item's postings, then the place
	due      BIGINT NOT NULL, -- as promised
	target   BIGINT NOT NULL, -- the event that is undone
	state    TEXT   NOT NULL, -- pending, sent, unknown, confirmed, refused, withdrawn
	step     TEXT   NOT NULL DEFAULT '',  -- what was sent: return, main
	evidence BIGINT NOT NULL DEFAULT 0,   -- a person says that the item was there
	tries    BIGINT NOT NULL DEFAULT 0,
	sends    BIGINT NOT NULL DEFAULT 0,
	changed  BIGINT NOT NULL DEFAULT 0,
	again    BIGINT NOT NULL DEFAULT 0,   -- not before
	before   BIGINT NOT NULL DEFAULT 0,   -- the due date before a renewal
	renewals BIGINT NOT NULL DEFAULT 0,   -- and the renewals; -1 not told
	acted    TEXT   NOT NULL DEFAULT '',  -- what the library system did: lend, take back, renew
	ils_due  BIGINT NOT NULL DEFAULT 0,
	rule     TEXT   NOT NULL DEFAULT '',
	words    TEXT   NOT NULL DEFAULT '',  -- the library system's own; may be personal data
	note     TEXT   NOT NULL DEFAULT '',  -- ours
	route    TEXT   NOT NULL DEFAULT '',
	person   BIGINT NOT NULL DEFAULT 0,   -- needs one
	PRIMARY KEY (ils, station, ledger, seq)
);
CREATE INDEX postings_open ON postings (ils, place) WHERE state IN ('pending', 'sent', 'unknown');
CREATE INDEX postings_item ON postings (ils, item, sorts);
CREATE INDEX postings_person ON postings (ils, changed) WHERE person = 1;

-- What people decided about postings.
CREATE TABLE decisions (
	ils     TEXT   NOT NULL,
	station TEXT   NOT NULL,
	ledger  TEXT   NOT NULL,
	seq     BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	who     TEXT   NOT NULL,
	rule    TEXT   NOT NULL, -- what it was about
	action  TEXT   NOT NULL,
	note    TEXT   NOT NULL
);
CREATE INDEX decisions_posting ON decisions (ils, station, ledger, seq, at);
