package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// bulk is a statement about many rows at once, prepared for the life of the
// store: what a statement costs by itself, to parse and to begin, is most of what
// it costs to put one row.
type bulk struct {
	width int // values in a row
	sizes []size
}

// size is the statement for so many rows.
type size struct {
	rows int
	*sql.Stmt
}

// newBulk prepares head, rows and tail for the sizes that any number of rows is
// made up of.
func newBulk(db *sql.DB, head, row, tail string) (b bulk, err error) {
	b.width = strings.Count(row, "?")
	for _, n := range []int{64, 8, 1} {
		s, err := db.Prepare(head + row + strings.Repeat(", "+row, n-1) + tail)
		if err != nil {
			return b, errors.Join(err, b.close())
		}
		b.sizes = append(b.sizes, size{n, s})
	}
	return b, nil
}

func (b bulk) close() (err error) {
	for _, s := range b.sizes {
		err = errors.Join(err, s.Close())
	}
	return err
}

// each calls do with a statement and the values of its rows until all are done.
func (b bulk) each(ctx context.Context, tx *sql.Tx, values []any, do func(s *sql.Stmt, values []any) error) error {
	for _, s := range b.sizes {
		n := s.rows * b.width
		if len(values) < n {
			continue
		}
		prepared := tx.StmtContext(ctx, s.Stmt)
		for ; len(values) >= n; values = values[n:] {
			if err := do(prepared, values[:n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// exec runs the statement over all values.
func (b bulk) exec(ctx context.Context, tx *sql.Tx, values []any) error {
	return b.each(ctx, tx, values, func(s *sql.Stmt, values []any) error {
		_, err := s.ExecContext(ctx, values...)
		return err
	})
}

// query calls scan for each row that the statement finds.
func (b bulk) query(ctx context.Context, tx *sql.Tx, values []any, scan func(scan func(...any) error) error) error {
	return b.each(ctx, tx, values, func(s *sql.Stmt, values []any) error {
		rows, err := s.QueryContext(ctx, values...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := scan(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// taking are the statements that a batch is taken in by.
type taking struct {
	events, where, lent, places, noPlace, loans, noLoan bulk
}

func prepareTaking(db *sql.DB) (t taking, err error) {
	for _, s := range []struct {
		to              *bulk
		head, row, tail string
	}{
		{&t.events, `INSERT INTO events (station, ledger, seq, kind, wall, clock, boot, uptime, received, at, item, patron, acted, due, note, chain, raw, err) VALUES `,
			`(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, ``},
		{&t.where, `SELECT item, station, place, at FROM places WHERE item IN (`, `?`, `)`},
		{&t.lent, `SELECT item, station, ledger, seq, patron, acted, at, due, renewed, house FROM loans WHERE item IN (`, `?`, `)`},
		{&t.places, `INSERT INTO places (item, station, place, at) VALUES `, `(?, ?, ?, ?)`,
			` ON CONFLICT (item) DO UPDATE SET station = excluded.station, place = excluded.place, at = excluded.at`},
		{&t.noPlace, `DELETE FROM places WHERE item IN (`, `?`, `)`},
		{&t.loans, `INSERT INTO loans (item, station, ledger, seq, patron, acted, at, due, renewed, house) VALUES `, `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			` ON CONFLICT (item) DO UPDATE SET station = excluded.station, ledger = excluded.ledger, seq = excluded.seq, patron = excluded.patron, acted = excluded.acted,
			at = excluded.at, due = excluded.due, renewed = excluded.renewed, house = excluded.house`},
		{&t.noLoan, `DELETE FROM loans WHERE item IN (`, `?`, `)`},
	} {
		if *s.to, err = newBulk(db, s.head, s.row, s.tail); err != nil {
			return t, errors.Join(err, t.close())
		}
	}
	return t, nil
}

func (t taking) close() (err error) {
	for _, b := range []bulk{t.events, t.where, t.lent, t.places, t.noPlace, t.loans, t.noLoan} {
		err = errors.Join(err, b.close())
	}
	return err
}
