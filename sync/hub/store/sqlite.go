package store

import (
	"context"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	_ "modernc.org/sqlite"

	"coldstation/sync/circ"
)

//go:embed migrations
var migrations embed.FS

// base is a Store in an SQL database. Its statements keep to what SQLite and
// PostgreSQL both understand.
type base struct {
	write  *sql.DB // one connection: SQLite has one writer
	read   *sql.DB
	taking taking
}

var _ Store = (*base)(nil)

// OpenSQLite opens the store in a file, and makes it when there is none; ErrNewer,
// ErrDamaged. What is damaged further in shows when it is read, ErrDamaged too, or by
// CheckSQLite.
//
// The journal is a write-ahead log, flushed at every commit: what TakeIn
// answered survives a power cut.
func OpenSQLite(path string) (Store, error) {
	// The file is its owner's alone: SQLite would make it as the umask says, and
	// gives its log the same mode.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_txlock=immediate" +
		"&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=temp_store(memory)"
	write, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	write.SetMaxOpenConns(1)
	if err := migrate(write); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, damaged(err)), write.Close())
	}
	read, err := sql.Open("sqlite", dsn+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), write.Close())
	}
	read.SetMaxOpenConns(4)
	taking, err := prepareTaking(write)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, damaged(err)), read.Close(), write.Close())
	}
	return &base{write, read, taking}, nil
}

func (s *base) Close() error {
	return errors.Join(s.taking.close(), s.read.Close(), s.write.Close())
}

// migrate runs the numbered files that the database has not seen, in order, each
// in a transaction with the note that it ran. A number may be missing.
func migrate(db *sql.DB) error {
	if _, err := db.Exec(`CREATE TABLE IF NOT EXISTS migrations (number BIGINT NOT NULL PRIMARY KEY, at BIGINT NOT NULL)`); err != nil {
		return err
	}
	ran, err := collect(context.Background(), db, func(scan func(...any) error) (number int, err error) {
		err = scan(&number)
		return number, err
	}, `SELECT number FROM migrations ORDER BY number`)
	if err != nil {
		return err
	}
	numbers, files, err := migrationFiles()
	if err != nil {
		return err
	}
	for _, number := range ran {
		if !slices.Contains(numbers, number) {
			return fmt.Errorf("it has migration %d, this program ends at %d: %w", number, numbers[len(numbers)-1], ErrNewer)
		}
	}
	for i, name := range files {
		if slices.Contains(ran, numbers[i]) {
			continue
		}
		text, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		_, err = tx.Exec(string(text))
		if err == nil {
			_, err = tx.Exec(`INSERT INTO migrations (number, at) VALUES (?, ?)`, numbers[i], time.Now().UnixMilli())
		}
		if err != nil {
			return errors.Join(fmt.Errorf("migration %s: %w", name, err), tx.Rollback())
		}
		if err := tx.Commit(); err != nil {
			return fmt.Errorf("migration %s: %w", name, err)
		}
	}
	return nil
}

// migrationFiles are the migrations in order of their numbers.
func migrationFiles() (numbers []int, files []string, err error) {
	files, err = fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, nil, err
	}
	numbers = make([]int, len(files))
	for i, name := range files {
		if numbers[i], err = strconv.Atoi(strings.TrimPrefix(name, "migrations/")[:4]); err != nil {
			return nil, nil, fmt.Errorf("migration %s has no number", name)
		}
	}
	return numbers, files, nil
}

// change runs do in one transaction.
func (s *base) change(ctx context.Context, what string, do func(tx *sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", what, damaged(err))
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // the first error is the one to tell
		return fmt.Errorf("%s: %w", what, damaged(err))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%s: %w", what, damaged(err))
	}
	return nil
}

// queryer is a database or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, q queryer, scan func(scan func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, damaged(err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows.Scan)
		if err != nil {
			return nil, damaged(err)
		}
		all = append(all, one)
	}
	return all, damaged(rows.Err())
}

// millis and its like are how columns hold what Go holds otherwise.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func ref(r circ.Ref) string {
	if r.IsZero() {
		return ""
	}
	return hex.EncodeToString(r[:])
}

// fromRef is for columns that only ref has written.
func fromRef(s string) (r circ.Ref) {
	_, _ = hex.Decode(r[:], []byte(s))
	return r
}

func id(u uuid.UUID) string {
	if u == uuid.Nil {
		return ""
	}
	return u.String()
}

// fromID is for columns that only id has written.
func fromID(s string) uuid.UUID {
	u, _ := uuid.Parse(s)
	return u
}

// known answers missing when a statement met no row.
func known(result sql.Result, err, missing error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = missing
	}
	return err
}
