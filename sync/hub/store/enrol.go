package store

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/hex"
	"errors"
	"math/big"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/identity"
	"coldstation/sync/wire"
)

func (s *base) Enrol(ctx context.Context, e identity.Enrolled, at time.Time) error {
	return s.change(ctx, "enrol "+string(e.Station), func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO stations (id, shard, signing, password, enrolled) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
			e.Station, wire.Shard(e.Station), blob(e.Signing), blob(e.Password), millis(at))
		return known(result, err, ErrKnown)
	})
}

func (s *base) Rekey(ctx context.Context, e identity.Enrolled, at time.Time) error {
	return s.change(ctx, "give new keys to "+string(e.Station), func(tx *sql.Tx) error { return rekey(ctx, tx, e, at) })
}

// rekey gives a station new keys; what the old ones opened they open no more.
func rekey(ctx context.Context, tx *sql.Tx, e identity.Enrolled, at time.Time) error {
	result, err := tx.ExecContext(ctx, `UPDATE stations SET signing = ?, password = ?, revoked = 0 WHERE id = ?`, blob(e.Signing), blob(e.Password), e.Station)
	if err := known(result, err, ErrNoStation); err != nil {
		return err
	}
	return revoke(ctx, tx, e.Station, at)
}

// revoke ends a station's certificates and codes.
func revoke(ctx context.Context, tx *sql.Tx, station circ.StationID, at time.Time) error {
	_, err1 := tx.ExecContext(ctx, `UPDATE certificates SET revoked = ? WHERE station = ? AND revoked = 0`, millis(at), station)
	_, err2 := tx.ExecContext(ctx, `UPDATE codes SET used = ?, secret = ? WHERE station = ? AND used = 0`, millis(at), []byte{}, station)
	return errors.Join(err1, err2)
}

func (s *base) Revoke(ctx context.Context, station circ.StationID, at time.Time) error {
	return s.change(ctx, "revoke "+string(station), func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE stations SET revoked = ?, online = 0 WHERE id = ?`, millis(at), station)
		if err := known(result, err, ErrNoStation); err != nil {
			return err
		}
		return revoke(ctx, tx, station, at)
	})
}

func (s *base) SetTitle(ctx context.Context, station circ.StationID, title string) error {
	return s.change(ctx, "name "+string(station), func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE stations SET title = ? WHERE id = ?`, title, station)
		return known(result, err, ErrNoStation)
	})
}

const enrolledColumns = `SELECT id, signing, password, revoked FROM stations`

func scanEnrolled(scan func(...any) error) (e identity.Enrolled, err error) {
	var signing []byte
	var revoked int64
	err = scan(&e.Station, &signing, &e.Password, &revoked)
	e.Signing, e.Revoked = ed25519.PublicKey(signing), revoked != 0
	return e, err
}

func (s *base) Enrolled(ctx context.Context, station circ.StationID) (identity.Enrolled, error) {
	e, err := scanEnrolled(s.read.QueryRowContext(ctx, enrolledColumns+` WHERE id = ?`, station).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoStation
	}
	return e, err
}

func (s *base) AllEnrolled(ctx context.Context) ([]identity.Enrolled, error) {
	return collect(ctx, s.read, scanEnrolled, enrolledColumns+` ORDER BY id`)
}

func (s *base) Offer(ctx context.Context, c Code) error {
	return s.change(ctx, "offer a code to "+string(c.Station), func(tx *sql.Tx) error {
		if err := exists(ctx, tx, c.Station); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM codes WHERE station = ?`, c.Station); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO codes (id, station, secret, expires) VALUES (?, ?, ?, ?)`, hex.EncodeToString(c.ID), c.Station, c.Secret, millis(c.Expires))
		return err
	})
}

func (s *base) Code(ctx context.Context, id []byte) (Code, error) {
	c := Code{ID: id}
	var expires, used int64
	err := s.read.QueryRowContext(ctx, `SELECT station, secret, expires, used FROM codes WHERE id = ?`, hex.EncodeToString(id)).Scan(&c.Station, &c.Secret, &expires, &used)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoCode
	}
	c.Expires, c.Used = fromMillis(expires), used != 0
	return c, err
}

func (s *base) Redeem(ctx context.Context, code []byte, e identity.Enrolled, c Certificate, at time.Time) error {
	return s.change(ctx, "enrol "+string(e.Station)+" by code", func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE codes SET used = ?, secret = ? WHERE id = ? AND station = ? AND used = 0 AND expires > ?`,
			millis(at), []byte{}, hex.EncodeToString(code), e.Station, millis(at))
		if err := known(result, err, ErrNoCode); err != nil {
			return err
		}
		if err := rekey(ctx, tx, e, at); err != nil {
			return err
		}
		return issue(ctx, tx, c)
	})
}

func (s *base) Issue(ctx context.Context, c Certificate) error {
	return s.change(ctx, "issue a certificate to "+string(c.Station), func(tx *sql.Tx) error { return issue(ctx, tx, c) })
}

func issue(ctx context.Context, tx *sql.Tx, c Certificate) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO certificates (serial, station, expires) VALUES (?, ?, ?)`, c.Serial.Text(16), c.Station, millis(c.Expires))
	return err
}

func (s *base) Revoked(ctx context.Context, at time.Time) ([]Certificate, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (c Certificate, err error) {
		var serial string
		var expires, revoked int64
		err = scan(&serial, &c.Station, &expires, &revoked)
		c.Serial, _ = new(big.Int).SetString(serial, 16) // as issue wrote it
		c.Expires, c.Revoked = fromMillis(expires), fromMillis(revoked)
		return c, err
	}, `SELECT serial, station, expires, revoked FROM certificates WHERE revoked > 0 AND expires > ? ORDER BY revoked, serial`, millis(at))
}

func (s *base) SetFact(ctx context.Context, name, value string) error {
	return s.change(ctx, "note "+name, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
		return err
	})
}

func (s *base) Fact(ctx context.Context, name string) (value string, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT value FROM facts WHERE name = ?`, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return value, err
}

// blob is never NULL.
func blob[T ~[]byte](b T) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
