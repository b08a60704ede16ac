package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

// ErrNoBlob is a blob that the store does not have.
var ErrNoBlob = errors.New("store: no such blob")

// Blobs are what is too long for a notice: the card filter and covers.
type Blobs interface {
	// PutBlob keeps a blob of at most circ.MaxBlob bytes. One that is there already
	// stays as it is.
	PutBlob(ctx context.Context, content []byte, at time.Time) (circ.BlobID, error)
	// BlobPiece is at most limit bytes of a blob from an offset on, none at its end
	// and behind it, and the size of the whole; ErrNoBlob.
	BlobPiece(ctx context.Context, id circ.BlobID, offset uint64, limit int) (piece []byte, size uint64, err error)
	// SweepBlobs drops the blobs that no item names, that are not the card filter and
	// that were there before a time.
	SweepBlobs(ctx context.Context, before time.Time) (dropped int, err error)

	// ValidCards are the numbers on the cards, keyrings and wristbands of everybody
	// who may borrow, in order.
	ValidCards(ctx context.Context) ([]circ.PatronID, error)
	// SetCardFilter says which blob is the filter of the cards with this digest.
	SetCardFilter(ctx context.Context, f CardFilter) error
	// CardFilter is what was set last; the zero value before.
	CardFilter(ctx context.Context) (CardFilter, error)
	// TellCardFilter tells a station of the card filter, if there is one and its
	// stream of notices does not say so yet.
	TellCardFilter(ctx context.Context, id circ.StationID) error
}

// CardFilter is a filter of all valid cards, and of which.
type CardFilter struct {
	Blob  circ.BlobID
	Cards string // a digest of them, that tells whether there are others now
}

// cardFilterFact is where the card filter is noted: its blob, a space, its cards.
const cardFilterFact = "card-filter"

// cardFilterTopic is what notices about it are about.
const cardFilterTopic = "card-filter"

func (s *base) PutBlob(ctx context.Context, content []byte, at time.Time) (circ.BlobID, error) {
	if len(content) == 0 || len(content) > circ.MaxBlob {
		return circ.BlobID{}, fmt.Errorf("put blob: %d bytes, want 1 to %d", len(content), circ.MaxBlob)
	}
	id := circ.NameBlob(content)
	return id, s.change(ctx, "put blob", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO blobs (id, content, at) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at`, id.String(), content, millis(at))
		return err
	})
}

func (s *base) BlobPiece(ctx context.Context, id circ.BlobID, offset uint64, limit int) (piece []byte, size uint64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT substr(content, ?, ?), length(content) FROM blobs WHERE id = ?`, min(offset, circ.MaxBlob)+1, limit, id.String()).Scan(&piece, &size)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoBlob
	}
	return piece, size, err
}

func (s *base) SweepBlobs(ctx context.Context, before time.Time) (dropped int, err error) {
	err = s.change(ctx, "sweep blobs", func(tx *sql.Tx) error {
		filter, err := cardFilter(ctx, tx)
		if err != nil {
			return err
		}
		gone, err := tx.ExecContext(ctx, `DELETE FROM blobs WHERE at < ? AND id <> ? AND NOT EXISTS (SELECT 1 FROM items i WHERE i.cover = blobs.id)`, millis(before), filter.Blob.String())
		if err != nil {
			return err
		}
		n, err := gone.RowsAffected()
		dropped = int(n)
		return err
	})
	return dropped, err
}

func (s *base) ValidCards(ctx context.Context) (all []circ.PatronID, err error) {
	_, err = collect(ctx, s.read, func(scan func(...any) error) (none struct{}, err error) {
		var id, further string
		if err := scan(&id, &further); err != nil {
			return none, err
		}
		all = append(all, circ.NewPatronID(id))
		var cards []string
		err = json.Unmarshal([]byte(further), &cards)
		for _, card := range cards {
			all = append(all, circ.NewPatronID(card))
		}
		return none, err
	}, `SELECT id, cards FROM patrons WHERE blocked = 0 ORDER BY id`)
	return all, err
}

func (s *base) SetCardFilter(ctx context.Context, f CardFilter) error {
	return s.SetFact(ctx, cardFilterFact, f.Blob.String()+" "+f.Cards)
}

func (s *base) CardFilter(ctx context.Context) (CardFilter, error) { return cardFilter(ctx, s.read) }

func cardFilter(ctx context.Context, q queryer) (f CardFilter, err error) {
	var noted string
	err = q.QueryRowContext(ctx, `SELECT value FROM facts WHERE name = ?`, cardFilterFact).Scan(&noted)
	if errors.Is(err, sql.ErrNoRows) {
		return f, nil
	}
	blob, cards, _ := strings.Cut(noted, " ")
	f.Blob, _ = circ.ParseBlobID(blob)
	f.Cards = cards
	return f, err
}

func (s *base) TellCardFilter(ctx context.Context, station circ.StationID) error {
	if news, err := cardNews(ctx, s.read, station); news == nil || err != nil { // mostly, and it holds up nobody who writes
		return err
	}
	return s.change(ctx, "tell "+string(station)+" of the cards", func(tx *sql.Tx) error {
		news, err := cardNews(ctx, tx, station)
		if news == nil || err != nil {
			return err
		}
		return tell(ctx, tx, station, news)
	})
}

// cardNews is what a station is still to be told of the card filter.
func cardNews(ctx context.Context, q queryer, station circ.StationID) ([]circ.NoticeBody, error) {
	filter, err := cardFilter(ctx, q)
	if err != nil || filter.Blob.IsZero() {
		return nil, err
	}
	var stream string
	if err := q.QueryRowContext(ctx, `SELECT stream FROM stations WHERE id = ?`, station).Scan(&stream); err != nil || stream == "" {
		return nil, err
	}
	put := circ.CardFilterPut{Filter: filter.Blob}
	raw, err := wire.AppendNotice(nil, circ.Notice{Body: put})
	if err != nil {
		return nil, err
	}
	var same int
	err = q.QueryRowContext(ctx, `SELECT COUNT(*) FROM standing WHERE station = ? AND topic = ? AND raw = ?`, station, cardFilterTopic, raw).Scan(&same)
	if err != nil || same > 0 {
		return nil, err
	}
	return []circ.NoticeBody{put}, nil
}

// keepCover gives an item that comes without a cover the one that it had: whoever
// exports a collection seldom has the pictures.
func keepCover(before, now circ.Item) circ.Item {
	if now.Cover.IsZero() {
		now.Cover = before.Cover
	}
	return now
}

// blobColumn reads a blob's name, empty for none.
type blobColumn struct{ id *circ.BlobID }

// Scan satisfies sql.Scanner.
func (c blobColumn) Scan(value any) error {
	text, is := value.(string)
	*c.id = circ.BlobID{}
	if is && text == "" {
		return nil
	}
	var ok bool
	if *c.id, ok = circ.ParseBlobID(text); !ok {
		return fmt.Errorf("a blob's name that is %T %v", value, value)
	}
	return nil
}

// coverColumn is a cover as the store writes it: empty for none.
func coverColumn(id circ.BlobID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

// CardsDigest tells one list of cards from another.
func CardsDigest(cards []circ.PatronID) string {
	h := sha256.New()
	for _, card := range cards {
		h.Write([]byte(card.Plaintext() + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}
