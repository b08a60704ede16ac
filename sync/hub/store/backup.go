package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"

	"github.com/google/uuid"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"coldstation/sync/wire"
)

// What may stand in the way of a backup or a restore.
var (
	// ErrInUse is a store that another program has open.
	ErrInUse = errors.New("store: in use")
	// ErrDamaged is a file whose pages or references do not hold together.
	ErrDamaged = errors.New("store: damaged")
)

// CopySQLite writes the store in the file from, as it is at one instant, to the
// new file to. It may be in use; who writes meanwhile is not held up. The copy is
// on the disk, in one file, when it returns.
func CopySQLite(ctx context.Context, from, to string) (err error) {
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("copy store to %s: %w", to, errors.Join(err, fs.ErrExist))
	}
	if err := withFile(from, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, `VACUUM INTO ?`, to)
		return err
	}); err != nil {
		return fmt.Errorf("copy store: %w", err)
	}
	copied, err := os.OpenFile(to, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("copy store: %w", err)
	}
	return errors.Join(copied.Chmod(0o600), copied.Sync(), copied.Close())
}

// CheckSQLite reads all of a store's file, which may be in use, and adds up what every
// station sent: ErrDamaged, and ErrNewer for one that a later version wrote. Some
// seconds for a million events.
func CheckSQLite(ctx context.Context, path string) error {
	return withFile(path, func(db *sql.DB) error {
		var said string
		if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&said); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if said != "ok" {
			return fmt.Errorf("%w: %s", ErrDamaged, said)
		}
		var table string
		if err := histories(ctx, db); err != nil {
			return err
		}
		err := db.QueryRowContext(ctx, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`).Scan(&table)
		if err == nil {
			return fmt.Errorf("%w: a row of %s refers to nothing", ErrDamaged, table)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		var done int
		if err := db.QueryRowContext(ctx, `SELECT MAX(number) FROM migrations`).Scan(&done); err != nil {
			return fmt.Errorf("%w: not a hub's store: %w", ErrDamaged, err)
		}
		numbers, _, err := migrationFiles()
		if err == nil && done > numbers[len(numbers)-1] {
			err = ErrNewer
		}
		return err
	})
}

// histories adds each station's events up to the running hash that its ledger stands at.
func histories(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, `SELECT l.station, l.ledger, l.cursor, l.chain, COALESCE(e.seq, 0), e.raw FROM ledgers l
		LEFT JOIN events e ON e.station = l.station AND e.ledger = l.ledger ORDER BY l.station, l.ledger, e.seq`)
	if err != nil {
		return damaged(err)
	}
	defer rows.Close()
	var at struct {
		station, ledger string
		cursor, seq     uint64
		chain           []byte
	}
	var sum wire.Chain
	ends := func() error {
		if at.seq != at.cursor || at.station != "" && !bytes.Equal(at.chain, sum[:]) {
			return fmt.Errorf("%w: what it has of %s is not what that station sent", ErrDamaged, at.station)
		}
		return nil
	}
	for rows.Next() {
		next := at
		var raw []byte
		if err := rows.Scan(&next.station, &next.ledger, &next.cursor, &next.chain, &next.seq, &raw); err != nil {
			return damaged(err)
		}
		if next.station != at.station || next.ledger != at.ledger {
			if err := ends(); err != nil {
				return err
			}
			at.seq, sum = 0, wire.Chain{}
		}
		if next.seq != 0 && next.seq != at.seq+1 {
			return fmt.Errorf("%w: of %s it has event %d after %d", ErrDamaged, next.station, next.seq, at.seq)
		}
		if at = next; at.seq != 0 {
			sum = sum.Next(raw)
		}
	}
	if err := rows.Err(); err != nil {
		return damaged(err)
	}
	return ends()
}

// damaged is ErrDamaged where SQLite found that, and err as it is otherwise.
func damaged(err error) error {
	var refused *sqlite.Error
	if errors.As(err, &refused) && (refused.Code()&0xFF == sqlite3.SQLITE_CORRUPT || refused.Code()&0xFF == sqlite3.SQLITE_NOTADB) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// ReleaseSQLite makes one file of a store and its write-ahead log; ErrInUse while
// another program has it open.
func ReleaseSQLite(path string) error {
	return withFile(path, func(db *sql.DB) error {
		// Leaving the log needs the file for oneself alone.
		_, err := db.Exec(`PRAGMA journal_mode=DELETE`)
		var refused *sqlite.Error
		if errors.As(err, &refused) && refused.Code()&0xFF == sqlite3.SQLITE_BUSY {
			return fmt.Errorf("%w: %w", ErrInUse, err)
		}
		return err
	})
}

// withFile opens a file that is there.
func withFile(path string, do func(*sql.DB) error) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=rw&_pragma=busy_timeout(1000)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	return errors.Join(do(db), db.Close())
}

// Restored makes a store that was a backup one that a hub may go on with. Stations
// have been told since what it does not know of, so each stream of notices begins
// anew with a snapshot: no number of a stream is ever used twice. A one-time code
// may have been used since, so none that is open works any more; nor does any
// session, link or token of an account, which may have been ended since. It answers
// how many stations there are.
func Restored(ctx context.Context, s Store) (stations int, err error) {
	b, is := s.(*base)
	if !is {
		return 0, fmt.Errorf("restore: a store of type %T", s)
	}
	streams, err := s.Streams(ctx)
	if err != nil {
		return 0, err
	}
	for station := range streams {
		if err := s.NewStream(ctx, station, uuid.New()); err != nil {
			return 0, err
		}
	}
	err = b.change(ctx, "end the codes", func(tx *sql.Tx) error {
		for _, table := range opening {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `UPDATE codes SET secret = ?, used = ? WHERE used = 0`, []byte{}, millis(time.Now()))
		return err
	})
	if err != nil {
		return 0, err
	}
	err = b.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM stations`).Scan(&stations)
	return stations, err
}
