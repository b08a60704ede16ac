-- What the pages ask for. The figures read all that happened in a time at many
-- stations, and nothing else of each event.
DROP INDEX events_time;
CREATE INDEX events_time ON events (station, at, kind, undone, patron);
CREATE INDEX events_met ON events (station, patron, at) WHERE kind = 'PatronMet';
CREATE INDEX events_counted ON events (station, at) WHERE kind = 'ShelfCounted';
CREATE INDEX events_log ON events (station, received) WHERE kind = 'LogSent';
CREATE INDEX items_title ON items (title, id);

-- Words of titles, authors and identifiers, for finding. A number of its own stands
-- for an item there, since the rows of items may be numbered anew.
CREATE TABLE item_numbers (
	n    INTEGER PRIMARY KEY,
	item TEXT NOT NULL UNIQUE
);
CREATE VIRTUAL TABLE item_words USING fts5 (words, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');
INSERT INTO item_numbers (item) SELECT id FROM items ORDER BY id;
INSERT INTO item_words (rowid, words) SELECT n, search FROM item_numbers JOIN items ON id = item;
CREATE TRIGGER items_insert AFTER INSERT ON items BEGIN
	INSERT OR IGNORE INTO item_numbers (item) VALUES (new.id);
	INSERT OR REPLACE INTO item_words (rowid, words) SELECT n, new.search FROM item_numbers WHERE item = new.id;
END;
CREATE TRIGGER items_update AFTER UPDATE OF search ON items WHEN old.search <> new.search BEGIN
	INSERT OR REPLACE INTO item_words (rowid, words) SELECT n, new.search FROM item_numbers WHERE item = new.id;
END;
CREATE TRIGGER items_delete AFTER DELETE ON items BEGIN
	DELETE FROM item_words WHERE rowid = (SELECT n FROM item_numbers WHERE item = old.id);
END;
