-- What a station is to be told, and what it was. A notice gets its number when it is
-- about to be sent: until then a later one about the same takes its place.

ALTER TABLE patrons ADD COLUMN station TEXT NOT NULL DEFAULT ''; -- where they belong
CREATE INDEX patrons_station ON patrons (station) WHERE station <> '';
CREATE INDEX patrons_staff ON patrons (id) WHERE staff = 1;
CREATE INDEX proxies_principal ON proxies (principal);
CREATE INDEX proxies_agent ON proxies (agent);
CREATE INDEX items_home ON items (home) WHERE home <> '';
CREATE INDEX places_station ON places (station);

-- Further identifiers of patrons. Personal data.
CREATE TABLE cards (
	card   TEXT NOT NULL,
	patron TEXT NOT NULL,
	PRIMARY KEY (card, patron)
);
CREATE INDEX cards_patron ON cards (patron);
INSERT INTO cards (card, patron) SELECT DISTINCT c.value, p.id FROM patrons p, json_each(p.cards) c WHERE c.value IS NOT NULL;

-- When a station's reference was last in an event that lends or brings back.
ALTER TABLE refs ADD COLUMN seen BIGINT NOT NULL DEFAULT 0;
CREATE INDEX refs_patron ON refs (patron);
UPDATE refs SET seen = m.at FROM (
	SELECT station, ref, MAX(at) AS at FROM (
		SELECT station, patron AS ref, at FROM events WHERE patron <> '' AND kind <> 'PatronMet'
		UNION ALL SELECT station, acted, at FROM events WHERE acted <> ''
	) AS met GROUP BY station, ref
) AS m WHERE m.station = refs.station AND m.ref = refs.ref;

-- Authorisations that are over for good, whatever a file says later.
CREATE TABLE cancellations (
	proxy TEXT   NOT NULL PRIMARY KEY,
	at    BIGINT NOT NULL
);

-- How far telling goes; one row.
CREATE TABLE reach (
	items  BIGINT NOT NULL, -- a collection of at most so many is told to every station
	people BIGINT NOT NULL, -- and people of whom none names a station
	visits BIGINT NOT NULL, -- for how long somebody who was at a station belongs to it
	since  BIGINT NOT NULL, -- who was there since then does, as of the last review
	turn   BIGINT NOT NULL  -- counts what is to be told
);
INSERT INTO reach (items, people, visits, since, turn) VALUES (20000, 2000, 34560000000, 0, 1);

ALTER TABLE stations ADD COLUMN turn BIGINT NOT NULL DEFAULT 0; -- the last of its stream

-- What of the library a station needs.
CREATE TABLE needs (
	station TEXT   NOT NULL REFERENCES stations (id),
	kind    BIGINT NOT NULL, -- 0 policy, 1 item, 2 patron, 3 proxy
	key     TEXT   NOT NULL, -- may be personal data
	want    BIGINT NOT NULL, -- 0: no longer
	had     BIGINT NOT NULL, -- it was told in the present stream
	turn    BIGINT NOT NULL, -- when it was to be told; 0: nothing is
	at      BIGINT NOT NULL DEFAULT 0, -- when it was told
	PRIMARY KEY (station, kind, key)
);
CREATE INDEX needs_turn ON needs (station, turn, kind, key) WHERE turn > 0;
CREATE INDEX needs_key ON needs (kind, key);

-- What a station is told besides, the last on each topic.
CREATE TABLE standing (
	station TEXT   NOT NULL REFERENCES stations (id),
	topic   TEXT   NOT NULL, -- what it is about
	ord     BIGINT NOT NULL, -- the turn at which it was told first
	turn    BIGINT NOT NULL, -- when it is to be told; 0: it has a number
	seq     BIGINT NOT NULL, -- its number in the present stream; 0: none
	once    BIGINT NOT NULL, -- not to be told again when it was taken
	ends    BIGINT NOT NULL, -- it ends what stood there: nothing to be told again either
	raw     BLOB   NOT NULL,
	PRIMARY KEY (station, topic)
);
CREATE INDEX standing_turn ON standing (station, turn, ord) WHERE turn > 0;

-- The items on lists that a station was given: consignments, recalls, picks.
CREATE TABLE listed (
	station TEXT NOT NULL,
	topic   TEXT NOT NULL,
	item    TEXT NOT NULL,
	PRIMARY KEY (station, topic, item)
);
CREATE INDEX listed_item ON listed (item);

INSERT INTO needs (station, kind, key, want, had, turn)
	SELECT DISTINCT n.station,
		CASE WHEN n.topic LIKE 'policy/%' THEN 0 WHEN n.topic LIKE 'item/%' THEN 1 WHEN n.topic LIKE 'patron/%' THEN 2 ELSE 3 END,
		SUBSTR(n.topic, CASE WHEN n.topic LIKE 'item/%' THEN 6 WHEN n.topic LIKE 'proxy/%' THEN 7 ELSE 8 END), 1, 1, 0
	FROM notices n JOIN stations s ON s.id = n.station AND s.stream = n.stream
	WHERE n.topic LIKE 'policy/%' OR n.topic LIKE 'item/%' OR n.topic LIKE 'patron/%' OR n.topic LIKE 'proxy/%';
INSERT INTO standing (station, topic, ord, turn, seq, once, ends, raw)
	SELECT n.station, CASE n.topic WHEN 'command' THEN 'command/' || n.seq WHEN '' THEN 'verdict/#' || n.seq ELSE n.topic END,
		n.seq - s.told, 0, n.seq, CASE WHEN n.topic IN ('command', '') THEN 1 ELSE 0 END, 0, n.raw
	FROM notices n JOIN stations s ON s.id = n.station AND s.stream = n.stream
	WHERE n.topic IN ('command', '') AND n.seq > s.taken
	OR (n.topic = 'settings' OR n.topic LIKE 'message/%' OR n.topic LIKE 'recall/%' OR n.topic LIKE 'consignment/%' OR n.topic LIKE 'picks/%')
		AND NOT EXISTS (SELECT 1 FROM notices m WHERE m.station = n.station AND m.stream = n.stream AND m.topic = n.topic AND m.seq > n.seq);
DROP INDEX notices_topic;
ALTER TABLE notices DROP COLUMN topic;
DELETE FROM notices WHERE seq <= (SELECT s.taken FROM stations s WHERE s.id = notices.station) - 1000;
