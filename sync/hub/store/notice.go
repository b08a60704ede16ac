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

func newStream(ctx context.Context, tx *sql.Tx, station circ.StationID, stream uuid.UUID) error {
	all, err := snapshot(ctx, tx, station)
	if err != nil {
		return err
	}
	rest, err := standingNotices(ctx, tx, station)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM notices WHERE station = ?`, station); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE stations SET stream = ?, told = 0, taken = 0 WHERE id = ?`, id(stream), station); err != nil {
		return err
	}
	return tell(ctx, tx, station, append(all, rest...))
}

// snapshot is all that a station must know: policies before the patrons that
// refer to them, and the loans that its own earlier ledgers began, since a new
// ledger knows nothing of them.
func snapshot(ctx context.Context, q queryer, station circ.StationID) (all []circ.NoticeBody, err error) {
	policies, err := readPolicies(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, p := range policies {
		all = append(all, circ.PolicyPut{Policy: p})
	}
	items, err := readItems(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, i := range items {
		all = append(all, circ.ItemPut{Item: i})
	}
	patrons, err := readPatrons(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, p := range patrons {
		all = append(all, circ.PatronPut{Patron: p})
	}
	proxies, err := readProxies(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, p := range proxies {
		all = append(all, circ.ProxyPut{Proxy: p})
	}
	loans, err := collect(ctx, q, func(scan func(...any) error) (p circ.LoanPut, err error) {
		var patron string
		var at, due int64
		err = scan(&p.Item, &patron, &at, &due)
		p.Patron, p.At, p.Due = circ.NewPatronID(patron), fromMillis(at), fromMillis(due)
		return p, err
	}, `SELECT l.item, r.patron, l.at, l.due FROM loans l JOIN refs r ON r.station = l.station AND r.ref = l.patron WHERE l.station = ? ORDER BY l.at, l.item`, station)
	for _, p := range loans {
		all = append(all, p)
	}
	return all, err
}

// standingNotices are the last notices on each topic that a snapshot does not
// cover, and the commands that were not taken: messages, settings, recalls.
func standingNotices(ctx context.Context, q queryer, station circ.StationID) ([]circ.NoticeBody, error) {
	return collect(ctx, q, func(scan func(...any) error) (circ.NoticeBody, error) {
		var raw []byte
		if err := scan(&raw); err != nil {
			return nil, err
		}
		n, err := wire.ParseNotice(raw)
		return n.Body, err
	}, `SELECT n.raw FROM notices n JOIN stations s ON s.id = n.station AND s.stream = n.stream WHERE n.station = ?
		AND (n.topic = 'command' AND n.seq > s.taken OR n.topic IN ('settings') OR n.topic LIKE 'message/%' OR n.topic LIKE 'recall/%' OR n.topic LIKE 'consignment/%' OR n.topic LIKE 'picks/%')
		AND (n.topic = 'command' OR NOT EXISTS (SELECT 1 FROM notices m WHERE m.station = n.station AND m.stream = n.stream AND m.topic = n.topic AND m.seq > n.seq))
		ORDER BY n.seq`, station)
}

func (s *base) Tell(ctx context.Context, station circ.StationID, bodies ...circ.NoticeBody) error {
	return s.change(ctx, "tell "+string(station), func(tx *sql.Tx) error {
		var stream string
		err := tx.QueryRowContext(ctx, `SELECT stream FROM stations WHERE id = ?`, station).Scan(&stream)
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrNoStation
		}
		if err != nil {
			return err
		}
		if stream == "" {
			return ErrNoStream
		}
		return tell(ctx, tx, station, bodies)
	})
}

// tell numbers and appends notices to the station's stream.
func tell(ctx context.Context, tx *sql.Tx, station circ.StationID, bodies []circ.NoticeBody) error {
	var stream string
	var told uint64
	if err := tx.QueryRowContext(ctx, `SELECT stream, told FROM stations WHERE id = ?`, station).Scan(&stream, &told); err != nil {
		return err
	}
	chain, err := noticeChain(ctx, tx, station, stream, told)
	if err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO notices (station, stream, seq, topic, chain, raw) VALUES (?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, body := range bodies {
		told++
		raw, err := wire.AppendNotice(nil, circ.Notice{Seq: told, Body: body})
		if err != nil {
			return fmt.Errorf("notice %d: %w", told, err)
		}
		chain = chain.Next(raw)
		if _, err := insert.ExecContext(ctx, station, stream, told, topic(body), chain[:], raw); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `UPDATE stations SET told = ?, pending_since = CASE WHEN ? = taken THEN 0 WHEN pending_since > 0 THEN pending_since ELSE ? END WHERE id = ?`,
		told, told, millis(time.Now()), station)
	return err
}

// topic is what a notice is about.
func topic(body circ.NoticeBody) string {
	switch b := body.(type) {
	case circ.PatronPut:
		return "patron/" + b.Patron.ID.Plaintext()
	case circ.PatronGone:
		return "patron/" + b.ID.Plaintext()
	case circ.ItemPut:
		return "item/" + string(b.Item.ID)
	case circ.ItemGone:
		return "item/" + string(b.ID)
	case circ.PolicyPut:
		return "policy/" + b.Policy.ID
	case circ.ProxyPut:
		return "proxy/" + b.Proxy.ID
	case circ.ProxyCancelled:
		return "proxy/" + b.ID
	case circ.LoanPut:
		return "loan/" + string(b.Item)
	case circ.LoanGone:
		return "loan/" + string(b.Item)
	case circ.ConsignmentPut:
		return "consignment/" + b.ID
	case circ.RecallPut:
		return "recall/" + b.ID
	case circ.PicksPut:
		return "picks/" + b.Name
	case circ.MessagePut:
		return "message/" + b.ID
	case circ.SettingsPut:
		return "settings"
	case circ.Command:
		return "command"
	case circ.CardFilterPut:
		return cardFilterTopic
	}
	return "" // about one event of one ledger
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
		var stream string
		err = scan(&n.station, &stream, &n.Told, &n.Taken)
		n.ID = fromID(stream)
		return n, err
	}, `SELECT id, stream, told, taken FROM stations WHERE stream <> ''`)
	streams := make(map[circ.StationID]Stream, len(all))
	for _, n := range all {
		streams[n.station] = n.Stream
	}
	return streams, err
}

func (s *base) NoticesTaken(ctx context.Context, station circ.StationID, stream uuid.UUID, mark uint64) error {
	return s.change(ctx, "note notices taken by "+string(station), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE stations SET pending_since = CASE WHEN told = ? THEN 0 WHEN taken < ? THEN ? ELSE pending_since END, taken = ?
			WHERE id = ? AND stream = ? AND told >= ?`, mark, mark, millis(time.Now()), mark, station, id(stream), mark)
		return err
	})
}

// like makes text a pattern for LIKE ... ESCAPE '!' that finds it anywhere.
func like(text string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(text)) + "%"
}
