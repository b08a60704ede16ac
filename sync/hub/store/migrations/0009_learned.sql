-- What was learned from a library system, by that system's own numbers. Personal
-- data where it is about patrons.
CREATE TABLE learned (
	ils    TEXT   NOT NULL,
	kind   TEXT   NOT NULL, -- patron, item, loan
	number BIGINT NOT NULL,
	id     TEXT   NOT NULL, -- the card or the item
	note   TEXT   NOT NULL, -- of a loan: its patron's number, and the stations that were told
	pass   BIGINT NOT NULL, -- the last whole pass that met it
	PRIMARY KEY (ils, kind, number)
);
CREATE INDEX learned_id ON learned (kind, id);
CREATE INDEX postings_note ON postings (ils, note) WHERE note <> '';
