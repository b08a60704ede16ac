package hub_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/blob"
	"coldstation/sync/circ"
	"coldstation/sync/identity"
	"coldstation/sync/ledger"
	"coldstation/sync/link"
	"coldstation/sync/station"
	"coldstation/sync/wire"
)

// house is a station without a screen: its ledger on a disk, and its end of
// delivery.
type house struct {
	*ledger.Ledger
	t        *testing.T
	id       identity.Station
	dial     dialer
	log      *slog.Logger
	disk     string // the ledger's file
	boot     uuid.UUID
	began    time.Time
	starts   uint64
	later    *later       // in place of the ledger, of a program newer than ours
	blobs    *blob.Folder // nil: a station from before there were blobs
	delivery *station.Station
}

type dialer func(link.Options) (link.Link, error)

func newHouse(t *testing.T, id identity.Station, dial dialer, log *slog.Logger) *house {
	h := &house{t: t, id: id, dial: dial, log: log, boot: uuid.New(), began: time.Now()}
	h.wipe()
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// wipe gives the station a new disk.
func (h *house) wipe() {
	h.t.Helper()
	h.swap(filepath.Join(h.t.TempDir(), "ledger"))
}

// copy is an image of the disk, as a backup takes it.
func (h *house) copy() (image string) {
	h.t.Helper()
	h.ok(h.Close())
	whole, err := os.ReadFile(h.disk)
	h.ok(err)
	image = filepath.Join(h.t.TempDir(), "ledger")
	h.ok(os.WriteFile(image, whole, 0o600))
	h.swap(h.disk)
	return image
}

// swap goes on with another disk.
func (h *house) swap(disk string) {
	h.t.Helper()
	if h.Ledger != nil {
		h.ok(h.Close())
	}
	key, err := h.id.SealingKey()
	h.ok(err)
	h.Ledger, err = ledger.Open(disk, ledger.Options{Station: h.id.Station, Key: make([]byte, 32), Sealer: &wire.Sealer{Key: key}})
	h.ok(err)
	h.disk = disk
}

func (h *house) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// start runs delivery until the function it answers is called.
func (h *house) start() (stop func()) {
	h.t.Helper()
	h.starts++
	var log station.Log = h.Ledger
	if h.later != nil {
		log = h.later
	}
	var err error
	h.delivery, err = station.New(station.Settings{
		Log: log, Identity: h.id, Boot: h.boot, Session: h.starts, Dial: h.dial, Moment: h.moment, Program: "test", QoS: 1, Logger: h.log,
		Blobs: h.blobs, Wanted: h.Ledger.Blobs,
	})
	h.ok(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.delivery.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Error(err)
		}
	}
}

func (h *house) moment() circ.Stamp {
	return circ.Stamp{Wall: time.Now(), Clock: circ.ClockNTP, Boot: h.boot, Uptime: time.Since(h.began)}
}

func (h *house) seal(m wire.Message) []byte {
	payload, err := wire.Channel{Station: h.id.Station, Way: wire.Up}.Seal(h.id.SigningKey(), m)
	h.ok(err)
	return payload
}

// do records what happened.
func (h *house) do(bodies ...circ.EventBody) {
	h.t.Helper()
	h.record(nil, bodies...)
}

func (h *house) lend(item circ.ItemID, card string) {
	h.t.Helper()
	patron := circ.NewPatronID(card)
	ref := h.Ref(patron)
	h.record([]circ.PatronID{patron}, circ.CheckedOut{Item: item, Patron: ref, By: ref, Due: time.Now().AddDate(0, 0, 28).Truncate(time.Second)})
}

func (h *house) record(people []circ.PatronID, bodies ...circ.EventBody) {
	h.t.Helper()
	_, err := h.Append(h.moment(), people, bodies...)
	h.ok(err)
	if h.delivery != nil {
		h.delivery.Appended()
	}
}

// told is what the station knows from the hub of the people and things in these
// tests: "item Is", "loan 1".
func (h *house) told() (all []string) {
	h.t.Helper()
	policy, known, err := h.Policy("adult")
	h.ok(err)
	if known {
		all = append(all, "policy "+policy.ID)
	}
	items, err := h.Items()
	h.ok(err)
	for _, item := range items {
		all = append(all, "item "+item.Title)
	}
	patron, _, known, err := h.Patron(circ.NewPatronID("999A1"))
	h.ok(err)
	if known {
		all = append(all, "patron "+patron.FirstName)
	}
	proxies, err := h.Proxies(circ.NewPatronID("999A2"))
	h.ok(err)
	for _, proxy := range proxies {
		all = append(all, "proxy "+proxy.ID)
	}
	loans, err := h.OpenLoans()
	h.ok(err)
	for _, loan := range loans {
		if loan.Seq == 0 {
			all = append(all, "loan "+string(loan.Item))
		}
	}
	return all
}

// delivered reports as an error that the hub has not acknowledged all.
func (h *house) delivered() error {
	_, last, err := h.Bounds()
	h.ok(err)
	mark, err := h.Mark(ledger.Hub)
	h.ok(err)
	if mark != last {
		return fmt.Errorf("%s: %d of %d acknowledged", h.id.Station, mark, last)
	}
	return nil
}

// later is a ledger in which a newer program has written event seq.
type later struct {
	*ledger.Ledger
	seq uint64
	raw []byte
}

func (l *later) Read(from uint64, max, size int) ([][]byte, wire.Chain, error) {
	raw, _, err := l.Ledger.Read(from, max, size)
	if err != nil {
		return nil, wire.Chain{}, err
	}
	if from <= l.seq && l.seq < from+uint64(len(raw)) {
		raw[l.seq-from] = l.raw
	}
	chain, err := l.Chain(from + uint64(len(raw)) - 1)
	return raw, chain, err
}

func (l *later) Chain(seq uint64) (chain wire.Chain, err error) {
	if seq < l.seq {
		return l.Ledger.Chain(seq)
	}
	raw, _, err := l.Ledger.Read(1, int(seq), wire.MaxBytes)
	if err == nil {
		raw[l.seq-1] = l.raw
	}
	return chain.After(raw), err
}

// until asks check again and again until it is content.
func until(t *testing.T, check func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
		if err = check(); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal(errors.Join(errors.New("waited in vain"), err))
}

// TestMain packs a message once: the packer makes its channels at first use, and
// channels made in one bubble of synctest must not be used in another.
func TestMain(m *testing.M) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	channel := wire.Channel{Station: "warm-up", Way: wire.Up}
	payload, err := channel.Seal(key, wire.Batch{Stream: uuid.New(), First: 1, Events: [][]byte{make([]byte, 8192)}})
	if err == nil {
		_, err = channel.Open(key.Public().(ed25519.PublicKey), payload)
	}
	if err != nil {
		panic(err)
	}
	m.Run()
}
