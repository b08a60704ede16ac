package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/store/storetest"
	"coldstation/sync/identity"
	"coldstation/sync/wire"
)

const (
	batch = 400  // events: what 64 KiB hold
	shelf = 2000 // items of a station
)

// BenchmarkTakeIn measures what it costs to take in a batch of loans and returns,
// that is the events, where the items are now, who has them, and the mark, beside
// the least that the database can do: the same rows of events alone, put into the
// same table of another file by prepared statements of many rows, one transaction
// a batch. Both flush every commit. Batches of both alternate, so that a disk that
// is slow for a while is slow for both; the ratio is that of the medians, since a
// single flush may take a hundred times as long.
func BenchmarkTakeIn(b *testing.B) {
	ctx := b.Context()
	ok := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	open := func(name string, l *storetest.Log) store.Store {
		s, err := store.OpenSQLite(filepath.Join(b.TempDir(), name))
		ok(err)
		b.Cleanup(func() { _ = s.Close() })
		ok(s.Enrol(ctx, identity.Enrolled{Station: l.Station, Password: []byte{1}, Signing: make([]byte, 32)}, storetest.Start))
		_, err = s.Find(ctx, l.Station, l.ID, storetest.Start)
		ok(err)
		return s
	}
	log := storetest.NewLog("maple-house")
	hub, bare := open("hub", log), newBare(b, open("bare", log))
	var taking, putting []time.Duration
	taken := uint64(0)
	for b.Loop() {
		b.StopTimer()
		for i := range uint64(batch / 2) {
			lend(b, log, taken/2+i)
		}
		next := log.Batch(taken+1, taken+batch)
		b.StartTimer()
		began := time.Now()
		_, err := hub.TakeIn(ctx, next)
		taking = append(taking, time.Since(began))
		ok(err)
		b.StopTimer()
		rows := read(b, hub, log, taken)
		began = time.Now()
		bare.put(ctx, rows)
		putting = append(putting, time.Since(began))
		taken += batch
		b.StartTimer()
	}
	slices.Sort(taking)
	slices.Sort(putting)
	ours, theirs := taking[len(taking)/2], putting[len(putting)/2]
	b.ReportMetric(batch/ours.Seconds(), "events/s")
	b.ReportMetric(batch/theirs.Seconds(), "bare-events/s")
	fmt.Printf("\nratio take-in %.2f\n", theirs.Seconds()/ours.Seconds())
}

// lend adds the n-th loan, and the return of the one before the last hundred.
func lend(b *testing.B, log *storetest.Log, n uint64) {
	item := func(n uint64) circ.ItemID { return circ.ItemID(fmt.Sprintf("3%013d", n*7%shelf)) }
	ref := func(n uint64) circ.Ref { return circ.NewRef(make([]byte, 32), circ.NewPatronID(fmt.Sprint(n%50))) }
	for i, body := range []circ.EventBody{
		circ.CheckedOut{Visit: circ.VisitID(n), Item: item(n), Patron: ref(n), By: ref(n), Due: storetest.Start.AddDate(0, 0, 28)},
		circ.CheckedIn{Visit: circ.VisitID(n), Item: item(n + shelf - 100), Patron: ref(n), Belongs: true},
	} {
		uptime := time.Duration(2*n+uint64(i)) * time.Second
		e := circ.Event{Stamp: circ.Stamp{Wall: log.Began.Add(uptime), Clock: circ.ClockNTP, Boot: log.Boot, Uptime: uptime}, Body: body}
		raw, err := wire.AppendEvent(nil, e, nil)
		if err != nil {
			b.Fatal(err)
		}
		log.AddRaw(e, raw)
	}
}

// read gives the rows of the events after one, column by column.
func read(b *testing.B, s store.Store, log *storetest.Log, after uint64) (values []any) {
	rows, err := store.Writer(s).Query(`SELECT `+columns+` FROM events WHERE station = ? AND ledger = ? AND seq > ?`, log.Station, log.ID.String(), after)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		row := make([]any, strings.Count(columns, ",")+1)
		to := make([]any, len(row))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			b.Fatal(err)
		}
		values = append(values, row...)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return values
}

// bare puts rows and does nothing else.
type bare struct {
	b    *testing.B
	db   *sql.DB
	many *sql.Stmt // of several rows
}

const several = 50 // rows of a statement; a batch is a multiple of it

func newBare(b *testing.B, s store.Store) *bare {
	db := store.Writer(s)
	row := "(?" + strings.Repeat(", ?", strings.Count(columns, ",")) + ")"
	many, err := db.Prepare(`INSERT INTO events (` + columns + `) VALUES ` + row + strings.Repeat(", "+row, several-1))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = many.Close() })
	return &bare{b, db, many}
}

func (p *bare) put(ctx context.Context, values []any) {
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		p.b.Fatal(err)
	}
	ctx = context.WithoutCancel(ctx) // as TakeIn does
	many := tx.StmtContext(ctx, p.many)
	defer many.Close()
	for size := several * (strings.Count(columns, ",") + 1); len(values) > 0; values = values[size:] {
		if _, err := many.ExecContext(ctx, values[:size]...); err != nil {
			p.b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		p.b.Fatal(err)
	}
}

const columns = `station, ledger, seq, kind, wall, clock, boot, uptime, received, at, item, patron, acted, due, note, chain, raw, err`
