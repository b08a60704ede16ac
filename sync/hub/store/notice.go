package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

func (s *base) NewStream(ctx context.Context, station circ.StationID, stream uuid.UUID) error {
	return s.change(ctx, "new stream for "+string(station), func(tx *sql.Tx) error {
		if err := exists(ctx, tx, station); err != nil {
			return err
		}
		return newStream(ctx, tx, station, stream)
	})
}

// newStream lets go of what was told and has everything that the station needs told
// again, then what it was told otherwise: the last word on each topic, and what it was
// to be told once and has not taken.
func newStream(ctx context.Context, tx *sql.Tx, station circ.StationID, stream uuid.UUID) error {
	turn, err := nextTurn(ctx, tx)
	if err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM notices WHERE station = ?`,
		`DELETE FROM needs WHERE station = ? AND want = 0`,
		`DELETE FROM standing WHERE station = ? AND (ends = 1 OR topic LIKE 'loan/%')`,
	} {
		if _, err := tx.ExecContext(ctx, statement, station); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE stations SET stream = ?, told = 0, taken = 0 WHERE id = ?`, id(stream), station); err != nil {
		return err
	}
	if err := review(ctx, tx, station, turn); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM needs WHERE station = ? AND want = 0`, station); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE needs SET had = 0, turn = ? WHERE station = ?`, turn, station); err != nil {
		return err
	}
	loans, err := ownLoans(ctx, tx, station)
	if err == nil {
		err = stand(ctx, tx, station, loans)
	}
	if err != nil {
		return err
	}
	rest, err := nextTurn(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE standing SET turn = ?, seq = 0 WHERE station = ? AND topic NOT LIKE 'loan/%'`, rest, station); err != nil {
		return err
	}
	if err := wake(ctx, tx, station, turn); err != nil {
		return err
	}
	return settlePending(ctx, tx, station)
}

// ownLoans are the loans that the station's own earlier ledgers began, since a new
// ledger knows nothing of them.
func ownLoans(ctx context.Context, q queryer, station circ.StationID) ([]circ.NoticeBody, error) {
	return collect(ctx, q, func(scan func(...any) error) (circ.NoticeBody, error) {
		var p circ.LoanPut
		var patron string
		var at, due int64
		err := scan(&p.Item, &patron, &at, &due)
		p.Patron, p.At, p.Due = circ.NewPatronID(patron), fromMillis(at), fromMillis(due)
		return p, err
	}, `SELECT l.item, r.patron, l.at, l.due FROM loans l JOIN refs r ON r.station = l.station AND r.ref = l.patron WHERE l.station = ? ORDER BY l.at, l.item`, station)
}

func (s *base) Tell(ctx context.Context, station circ.StationID, bodies ...circ.NoticeBody) error {
	return s.change(ctx, "tell "+string(station), func(tx *sql.Tx) error {
		stream, err := readStream(ctx, tx, station)
		if err != nil {
			return err
		}
		if stream.ID == uuid.Nil {
			return ErrNoStream
		}
		return tell(ctx, tx, station, bodies)
	})
}

// tell has notices that are not about the library's own collection and people wait
// for their number.
func tell(ctx context.Context, tx *sql.Tx, station circ.StationID, bodies []circ.NoticeBody) error {
	if len(bodies) == 0 {
		return nil
	}
	turn, err := nextTurn(ctx, tx)
	if err == nil {
		err = stand(ctx, tx, station, bodies)
	}
	if err != nil {
		return err
	}
	return wake(ctx, tx, station, turn)
}

// stand keeps notices in place of what stood under their topics. One that no station
// could take raises the condition and is passed over.
func stand(ctx context.Context, tx *sql.Tx, station circ.StationID, bodies []circ.NoticeBody) error {
	for _, body := range bodies {
		turn, err := nextTurn(ctx, tx)
		if err != nil {
			return err
		}
		raw, err := wire.AppendNotice(nil, circ.Notice{Body: body})
		if errors.Is(err, circ.ErrLimit) {
			err = unfit(ctx, tx, station, err, time.Now())
			if err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		t := topicOf(body, turn)
		if _, err := tx.ExecContext(ctx, `INSERT INTO standing (station, topic, ord, turn, seq, once, ends, raw) VALUES (?, ?, ?, ?, 0, ?, ?, ?)
			ON CONFLICT (station, topic) DO UPDATE SET ord = excluded.ord, turn = excluded.turn, seq = 0, ends = excluded.ends, raw = excluded.raw`,
			station, t.name, turn, turn, bit(t.once), bit(t.ends), raw); err != nil {
			return err
		}
		if t.items == nil && !t.ends {
			continue
		}
		if err := list(ctx, tx, station, t, turn); err != nil {
			return err
		}
	}
	return nil
}

// list notes which items a list names now: the station needs them.
func list(ctx context.Context, tx *sql.Tx, station circ.StationID, t topic, turn int64) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM listed WHERE station = ? AND topic = ?`, station, t.name); err != nil {
		return err
	}
	keys := make([]string, len(t.items))
	for i, item := range t.items {
		keys[i] = string(item)
		if _, err := tx.ExecContext(ctx, `INSERT INTO listed (station, topic, item) VALUES (?, ?, ?) ON CONFLICT (station, topic, item) DO NOTHING`, station, t.name, item); err != nil {
			return err
		}
	}
	if err := noteChanged(ctx, tx, [needProxy + 1][]string{needItem: keys}); err != nil {
		return err
	}
	need, err := asked(ctx, tx, "")
	if err != nil {
		return err
	}
	return need.items().insert(ctx, tx, needItem, turn)
}

// unfit raises the condition that a station is not told something. The error says
// what is wrong with it, and nobody's name.
func unfit(ctx context.Context, tx *sql.Tx, station circ.StationID, err error, at time.Time) error {
	return raise(ctx, tx, station, Condition{Name: ConditionUnfit, Detail: err.Error(), Since: at})
}

func (s *base) Stream(ctx context.Context, station circ.StationID) (Stream, error) {
	return readStream(ctx, s.read, station)
}

const streamColumns = `SELECT s.id, s.stream, s.told, s.taken, s.turn,
	COALESCE((SELECT MIN(n.seq) FROM notices n WHERE n.station = s.id AND n.stream = s.stream), s.told + 1) FROM stations s`

func scanStream(scan func(...any) error) (station circ.StationID, st Stream, err error) {
	var stream string
	err = scan(&station, &stream, &st.Told, &st.Taken, &st.Turn, &st.First)
	st.ID = fromID(stream)
	return station, st, err
}

func readStream(ctx context.Context, q queryer, station circ.StationID) (Stream, error) {
	_, st, err := scanStream(q.QueryRowContext(ctx, streamColumns+` WHERE s.id = ?`, station).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoStation
	}
	return st, err
}

// waits gives at most so many of what waits for a station, the first told first.
const waits = `SELECT kind, key, want, had, raw, once, ends FROM (
	SELECT * FROM (SELECT kind, key, want, had, turn, turn AS ord, '' AS raw, 0 AS once, 0 AS ends FROM needs WHERE station = ? AND turn > 0 ORDER BY turn, kind, key LIMIT ?) AS n
	UNION ALL SELECT * FROM (SELECT 4, topic, 1, 0, turn, ord, raw, once, ends FROM standing WHERE station = ? AND turn > 0 ORDER BY turn, ord LIMIT ?) AS t
	) AS w ORDER BY turn, ord, kind, key LIMIT ?`

func (s *base) Draw(ctx context.Context, station circ.StationID, stream Stream, limit int, at time.Time) (now Stream, err error) {
	if some, err := waiters(ctx, s.read, station, 1); err != nil || len(some) == 0 {
		if err == nil {
			now, err = s.Stream(ctx, station)
		}
		return now, err
	}
	err = s.change(ctx, "number notices for "+string(station), func(tx *sql.Tx) error {
		ctx := context.WithoutCancel(ctx) // as in TakeIn
		now, err = readStream(ctx, tx, station)
		if err != nil {
			return err
		}
		if now.ID != stream.ID || now.ID == uuid.Nil {
			return ErrNoStream
		}
		d := drawing{tx: tx, station: station, stream: now, at: at}
		for more := true; more && d.stream.Told == now.Told; { // some wait for nothing
			if more, err = d.draw(ctx, limit); err != nil {
				return err
			}
		}
		now, err = readStream(ctx, tx, station)
		return err
	})
	return now, err
}

// drawing gives notices that wait their numbers.
type drawing struct {
	tx      *sql.Tx
	station circ.StationID
	stream  Stream
	chain   wire.Chain
	at      time.Time
}

// waiting is one of what waits.
type waiting struct {
	kind       int
	key        string // of needs, or the topic
	want, had  bool
	raw        []byte
	once, ends bool
}

const waitingStanding = needProxy + 1 // what stands under its topic

func waiters(ctx context.Context, q queryer, station circ.StationID, limit int) ([]waiting, error) {
	return collect(ctx, q, func(scan func(...any) error) (w waiting, err error) {
		err = scan(&w.kind, &w.key, &w.want, &w.had, &w.raw, &w.once, &w.ends)
		return w, err
	}, waits, station, limit, station, limit, limit)
}

func (d *drawing) draw(ctx context.Context, limit int) (more bool, err error) {
	all, err := waiters(ctx, d.tx, d.station, limit)
	if err != nil {
		return false, err
	}
	if d.chain, err = noticeChain(ctx, d.tx, d.station, id(d.stream.ID), d.stream.Told); err != nil {
		return false, err
	}
	insert, err := d.tx.PrepareContext(ctx, `INSERT INTO notices (station, stream, seq, chain, raw) VALUES (?, ?, ?, ?, ?)`)
	if err != nil {
		return false, err
	}
	defer insert.Close()
	for _, w := range all {
		raw, err := d.encode(ctx, w)
		if errors.Is(err, circ.ErrLimit) {
			err = unfit(ctx, d.tx, d.station, err, d.at)
		}
		if err != nil {
			return false, err
		}
		if raw != nil {
			d.stream.Told++
			d.chain = d.chain.Next(raw)
			if _, err := insert.ExecContext(ctx, d.station, id(d.stream.ID), d.stream.Told, d.chain[:], raw); err != nil {
				return false, err
			}
		}
		if err := d.drawn(ctx, w, raw != nil); err != nil {
			return false, err
		}
	}
	if _, err := d.tx.ExecContext(ctx, `UPDATE stations SET told = ? WHERE id = ?`, d.stream.Told, d.station); err != nil {
		return false, err
	}
	return len(all) == limit, settlePending(ctx, d.tx, d.station)
}

// drawn notes that something waits no longer.
func (d *drawing) drawn(ctx context.Context, w waiting, told bool) error {
	var err error
	switch {
	case w.kind == waitingStanding && w.ends:
		_, err = d.tx.ExecContext(ctx, `DELETE FROM standing WHERE station = ? AND topic = ?`, d.station, w.key)
	case w.kind == waitingStanding:
		_, err = d.tx.ExecContext(ctx, `UPDATE standing SET turn = 0, seq = ? WHERE station = ? AND topic = ?`, d.stream.Told, d.station, w.key)
	case !w.want:
		_, err = d.tx.ExecContext(ctx, `DELETE FROM needs WHERE station = ? AND kind = ? AND key = ?`, d.station, w.kind, w.key)
	default:
		_, err = d.tx.ExecContext(ctx, `UPDATE needs SET turn = 0, had = ?, at = ? WHERE station = ? AND kind = ? AND key = ?`,
			bit(told || w.had), millis(d.at), d.station, w.kind, w.key)
	}
	return err
}

// encode is the notice as it is written; nil when there is nothing to tell.
func (d *drawing) encode(ctx context.Context, w waiting) ([]byte, error) {
	if w.kind == waitingStanding {
		return w.raw, nil
	}
	var body circ.NoticeBody
	var err error
	if w.want {
		body, err = d.put(ctx, w)
	}
	if body == nil && err == nil && w.had {
		body = gone(w)
	}
	if body == nil || err != nil {
		return nil, err
	}
	return wire.AppendNotice(nil, circ.Notice{Body: body})
}

// put is what the library knows of something now; nil when it knows nothing.
func (d *drawing) put(ctx context.Context, w waiting) (body circ.NoticeBody, err error) {
	switch w.kind {
	case needPolicy:
		var p circ.Policy
		p, err = scanPolicy(d.tx.QueryRowContext(ctx, selectPolicies+` WHERE id = ?`, w.key).Scan)
		body = circ.PolicyPut{Policy: p}
	case needItem:
		var i circ.Item
		i, err = scanItem(d.tx.QueryRowContext(ctx, selectItems+` WHERE i.id = ?`, w.key).Scan)
		body = circ.ItemPut{Item: i}
	case needPatron:
		var p circ.Patron
		p, err = scanPatron(d.tx.QueryRowContext(ctx, selectPatrons+` WHERE id = ?`, w.key).Scan)
		if p.Home != "" && p.Home != d.station { // they agreed to a tile where they belong
			p.Picture = ""
		}
		body = circ.PatronPut{Patron: p}
	case needProxy:
		var p circ.Proxy
		p, err = scanProxy(d.tx.QueryRowContext(ctx, selectProxies+` WHERE id = ?`, w.key).Scan)
		p.Fresh = d.at.UTC().Truncate(time.Second)
		body = circ.ProxyPut{Proxy: p}
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return body, err
}

// gone has a station forget something; nil for a policy, which does no harm.
func gone(w waiting) circ.NoticeBody {
	switch w.kind {
	case needItem:
		return circ.ItemGone{ID: circ.ItemID(w.key)}
	case needPatron:
		return circ.PatronGone{ID: circ.NewPatronID(w.key)}
	case needProxy:
		return circ.ProxyCancelled{ID: w.key}
	}
	return nil
}

// settlePending ends the waiting of a station that has all it was told.
func settlePending(ctx context.Context, tx *sql.Tx, station circ.StationID) error {
	_, err := tx.ExecContext(ctx, `UPDATE stations SET pending_since = 0 WHERE id = ? AND told = taken
		AND NOT EXISTS (SELECT 1 FROM needs n WHERE n.station = stations.id AND n.turn > 0)
		AND NOT EXISTS (SELECT 1 FROM standing n WHERE n.station = stations.id AND n.turn > 0)`, station)
	return err
}

// topic is what a notice is about: a later one on the same topic takes its place.
type topic struct {
	name  string
	once  bool          // not to be told again when it was taken
	ends  bool          // it ends what stood there
	items []circ.ItemID // on a list
}

// topicOf is the topic of a notice that is told at a turn.
func topicOf(body circ.NoticeBody, turn int64) topic {
	list := func(name string, items []circ.ItemID) topic {
		return topic{name: name, items: items, ends: len(items) == 0}
	}
	switch b := body.(type) {
	case circ.LoanPut:
		return topic{name: "loan/" + string(b.Item)}
	case circ.LoanGone:
		return topic{name: "loan/" + string(b.Item)}
	case circ.LoanConfirmed:
		return topic{name: fmt.Sprint("verdict/", b.Seq), once: true}
	case circ.LoanRefused:
		return topic{name: fmt.Sprint("verdict/", b.Seq), once: true}
	case circ.ConsignmentPut:
		return list("consignment/"+b.ID, b.Items)
	case circ.RecallPut:
		return list("recall/"+b.ID, b.Items)
	case circ.PicksPut:
		return list("picks/"+b.Name, b.Items)
	case circ.MessagePut:
		return topic{name: "message/" + b.ID, ends: len(b.Words) == 0}
	case circ.SettingsPut:
		return topic{name: "settings"}
	case circ.CardFilterPut:
		return topic{name: cardFilterTopic}
	}
	return topic{name: fmt.Sprint("command/", turn), once: true}
}

func (s *base) Notices(ctx context.Context, station circ.StationID, stream uuid.UUID, from uint64, limit int) ([][]byte, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (raw []byte, err error) {
		err = scan(&raw)
		return raw, err
	}, `SELECT raw FROM notices WHERE station = ? AND stream = ? AND seq >= ? ORDER BY seq LIMIT ?`, station, id(stream), from, limit)
}

func (s *base) NoticeChain(ctx context.Context, station circ.StationID, stream uuid.UUID, seq uint64) (wire.Chain, error) {
	return noticeChain(ctx, s.read, station, id(stream), seq)
}

func noticeChain(ctx context.Context, q queryer, station circ.StationID, stream string, seq uint64) (chain wire.Chain, err error) {
	var kept []byte
	err = q.QueryRowContext(ctx, `SELECT chain FROM notices WHERE station = ? AND stream = ? AND seq = ?`, station, stream, seq).Scan(&kept)
	if errors.Is(err, sql.ErrNoRows) {
		return chain, nil
	}
	copy(chain[:], kept)
	return chain, err
}

func (s *base) Streams(ctx context.Context) (map[circ.StationID]Stream, error) {
	type named struct {
		station circ.StationID
		Stream
	}
	all, err := collect(ctx, s.read, func(scan func(...any) error) (n named, err error) {
		n.station, n.Stream, err = scanStream(scan)
		return n, err
	}, streamColumns+` WHERE s.stream <> ''`)
	streams := make(map[circ.StationID]Stream, len(all))
	for _, n := range all {
		streams[n.station] = n.Stream
	}
	return streams, err
}

// keptNotices is how many notices that a station has are kept: one that was acknowledged may
// be acknowledged again by what was long on its way.
const keptNotices = 1000

func (s *base) NoticesTaken(ctx context.Context, station circ.StationID, stream uuid.UUID, mark uint64, back bool) error {
	return s.change(ctx, "note notices taken by "+string(station), func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE stations SET pending_since = CASE WHEN taken < ? THEN ? ELSE pending_since END, taken = ?
			WHERE id = ? AND stream = ? AND told >= ? AND (taken <= ? OR ? = 1)`, mark, millis(time.Now()), mark, station, id(stream), mark, mark, bit(back))
		if err := known(result, err, ErrNoStream); err != nil {
			if errors.Is(err, ErrNoStream) { // it was given up, or the mark is further
				return nil
			}
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM standing WHERE station = ? AND once = 1 AND turn = 0 AND seq > 0 AND seq <= ?`, station, mark); err != nil {
			return err
		}
		if mark > keptNotices {
			if _, err := tx.ExecContext(ctx, `DELETE FROM notices WHERE station = ? AND stream = ? AND seq <= ?`, station, id(stream), mark-keptNotices); err != nil {
				return err
			}
		}
		return settlePending(ctx, tx, station)
	})
}

// like makes text a pattern for LIKE ... ESCAPE '!' that finds it anywhere.
func like(text string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(text)) + "%"
}
