package pn532

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/exchange"
)

var _ rfid.CardMemory = (*Reader)(nil)

// Options adapt the driver to a site. The zero Options suit most readers.
type Options struct {
	Timeout time.Duration // longest wait for an answer; 0 means 400 ms
	Keys    []rfid.Key    // tried in order by ReadSector; none means rfid.DefaultKeys
}

const (
	attempts  = 3
	stepLimit = 200 * time.Millisecond // for commands that need no card
	fieldOff  = 6 * time.Millisecond   // until cards have forgotten: ISO/IEC 14443-3, 5 ms
)

// wake is what gets a sleeping chip to listen, after an ACK that breaks off what
// an awake one may be doing.
var wake = append(append([]byte(nil), ackFrame...), 0x55, 0x55, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

// Reader is a PN532 on a port. It sees at most two cards at once. An operation
// on a chip that keeps silent ends within Timeout and a second.
type Reader struct {
	opts Options
	line *exchange.Line

	mu     sync.Mutex // one operation at a time
	out    []byte     // the command
	sent   []byte     // its frame
	cards  []target   // of the last list
	ready  bool       // awake, set up, and no old answers on the line
	halted bool       // a card may be deaf until the field has been off
	rest   time.Time  // nothing is sent before
	nonce  byte
}

// New is a reader on p, which it owns from now on. Nothing is sent yet.
func New(p rfid.Port, o Options) *Reader {
	if o.Timeout == 0 {
		o.Timeout = 400 * time.Millisecond
	}
	if len(o.Keys) == 0 {
		o.Keys = rfid.DefaultKeys
	}
	return &Reader{opts: o, line: exchange.On(p), halted: true}
}

// Close releases the port and whoever waits for an answer.
func (r *Reader) Close() error { return r.line.Close() }

// Probe wakes whatever listens on p and asks for its firmware. The port should
// run at 115200 8N1.
//
// The bytes are harmless to others: readers of other protocols run at lower
// speeds, to which they are noise, and none of theirs begins with 00, 55 or FF.
func Probe(p rfid.Port) (string, error) {
	r := New(p, Options{})
	data, err := r.exchange(r.begin(cmdFirmware))
	if err == nil && (len(data) != 4 || data[0] != 0x32) {
		err = fmt.Errorf("%w: firmware % X", rfid.ErrBroken, data)
	}
	if err != nil {
		return "", &rfid.Error{Op: "probe pn532", Err: err}
	}
	return fmt.Sprintf("PN532, firmware %d.%d", data[1], data[2]), nil
}

// Inventory implements rfid.Reader.
func (r *Reader) Inventory(dst []rfid.Tag) ([]rfid.Tag, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.again(r.list); err != nil {
		return dst, &rfid.Error{Op: "inventory", Err: err}
	}
	for i, c := range r.cards {
		if i == 0 || c.UID != r.cards[0].UID {
			dst = append(dst, rfid.Tag{UID: c.UID, Kind: rfid.ISO14443A})
		}
	}
	return dst, nil
}

// ReadSector implements rfid.CardMemory.
func (r *Reader) ReadSector(uid rfid.UID, sector int, dst []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := dst
	var err error
	if sector < 0 || sector > 31 {
		err = rfid.ErrRange
	} else {
		err = r.again(func() (err error) { out, err = r.sector(uid, sector, dst); return err })
	}
	if err != nil {
		return dst, &rfid.Error{Op: fmt.Sprintf("read sector %d", sector), UID: uid, Err: err}
	}
	return out, nil
}

// again repeats what the line spoilt.
func (r *Reader) again(f func() error) (err error) {
	for range attempts {
		err = f()
		if !exchange.Passing(err) {
			break
		}
	}
	return err
}

// list finds the cards in the field.
func (r *Reader) list() error {
	r.cards = r.cards[:0]
	if r.halted {
		if err := r.field(); err != nil {
			return err
		}
	}
	data, err := r.exchange(append(r.begin(cmdList), 2, 0))
	if err != nil {
		r.halted = true
		return err
	}
	if r.cards, err = appendTargets(r.cards, data); err != nil {
		r.ready = false
	}
	r.halted = err != nil || len(r.cards) > 1
	return err
}

// field goes off, for long enough, and on.
func (r *Reader) field() error {
	if _, err := r.exchange(append(r.begin(cmdRF), rfField, 0)); err != nil {
		return fmt.Errorf("field off: %w", err)
	}
	r.rest = time.Now().Add(fieldOff)
	if _, err := r.exchange(append(r.begin(cmdRF), rfField, 1)); err != nil {
		return fmt.Errorf("field on: %w", err)
	}
	return nil
}

// sector reads three blocks with the first key that fits. A wrong key halts the
// card, which must then be found again.
func (r *Reader) sector(uid rfid.UID, sector int, dst []byte) ([]byte, error) {
	err := rfid.ErrKey
	for _, k := range r.opts.Keys {
		var c target
		if c, err = r.find(uid); err != nil {
			return dst, err
		}
		r.halted = true // whatever happens now
		if err = r.open(c, sector, k); errors.Is(err, rfid.ErrKey) {
			continue
		}
		if err != nil {
			return dst, err
		}
		out := dst
		for block := sector * 4; block < sector*4+3; block++ {
			var data []byte
			if data, err = r.card(append(r.begin(cmdExchange), c.Number, mifareRead, byte(block))); err != nil {
				break
			}
			if len(data) != 16 {
				r.ready = false
				return dst, fmt.Errorf("%w: block of %d bytes", rfid.ErrBroken, len(data))
			}
			out = append(out, data...)
		}
		if err == nil {
			return out, nil
		}
		if !errors.Is(err, rfid.ErrKey) { // the key may open the sector and not allow to read
			return dst, err
		}
	}
	return dst, err
}

// find lists the cards and picks one.
func (r *Reader) find(uid rfid.UID) (target, error) {
	if err := r.list(); err != nil {
		return target{}, err
	}
	for _, c := range r.cards {
		switch {
		case c.UID == uid && !rfid.Classic(c.SAK):
			return c, fmt.Errorf("%w: not a MIFARE Classic (SAK %02X)", rfid.ErrUnsupported, c.SAK)
		case c.UID == uid:
			return c, nil
		}
	}
	return target{}, rfid.ErrNoTag
}

// open authenticates for a sector. The last four bytes of a longer UID serve.
func (r *Reader) open(c target, sector int, k rfid.Key) error {
	auth := byte(mifareAuthA)
	if k.B {
		auth = mifareAuthB
	}
	var uid [rfid.MaxUID]byte
	b := append(append(r.begin(cmdExchange), c.Number, auth, byte(sector*4)), k.Secret[:]...)
	_, err := r.card(append(b, c.UID.Append(uid[:0])[c.UID.Len()-4:]...))
	return err
}

// card is an exchange that reaches a card: its status, then data.
func (r *Reader) card(command []byte) ([]byte, error) {
	data, err := r.exchange(command)
	if err == nil && len(data) == 0 {
		r.ready, err = false, fmt.Errorf("%w: no status", rfid.ErrBroken)
	}
	if err != nil {
		return nil, err
	}
	return data[1:], refusal(data[0])
}

// begin starts a command; its data is appended.
func (r *Reader) begin(cmd byte) []byte {
	if r.out == nil {
		r.out = make([]byte, 0, 64)
	}
	return append(r.out[:0], cmd)
}

// exchange is the round trip: it sends a begun command and returns the data of
// the answer, valid until the next exchange. All waiting happens here.
func (r *Reader) exchange(command []byte) ([]byte, error) {
	if err := r.line.Closed(); err != nil {
		return nil, err
	}
	if !r.ready {
		if err := r.prepare(); err != nil {
			return nil, err
		}
	}
	r.sent = encode(r.sent[:0], frame{TFI: fromHost, Data: command})
	data, err := r.roundTrip(r.sent, command[0], r.opts.Timeout)
	r.ready = err == nil || errors.Is(err, rfid.ErrUnsupported)
	return data, err
}

// prepare wakes the chip, sets it up, and brings the line into step: what comes
// before the echo of a fresh number is old.
func (r *Reader) prepare() error {
	r.halted = true
	return r.line.Step(2, attempts+1, r.setUp) // silence counts from the second time: one answer may be lost
}

func (r *Reader) setUp() error {
	r.nonce++
	request := func(before []byte, data ...byte) []byte {
		r.sent = encode(append(r.sent[:0], before...), frame{TFI: fromHost, Data: data})
		return r.sent
	}
	if _, err := r.roundTrip(request(wake, cmdSAM, 0x01, 0x14, 0x01), cmdSAM, stepLimit); err != nil {
		return err
	}
	echo, err := r.roundTrip(request(nil, cmdDiagnose, 0x00, 'c', 's', r.nonce), cmdDiagnose, stepLimit)
	if err != nil {
		return err
	}
	if !bytes.Equal(echo, []byte{0x00, 'c', 's', r.nonce}) {
		return fmt.Errorf("%w: echo % X", rfid.ErrBroken, echo)
	}
	_, err = r.roundTrip(request(nil, cmdRF, rfRetries, 0x00, 0x01, 0x02), cmdRF, stepLimit)
	return err
}

// roundTrip sends a frame, and waits for its ACK and then for its answer.
func (r *Reader) roundTrip(request []byte, cmd byte, limit time.Duration) ([]byte, error) {
	if wait := time.Until(r.rest); wait > 0 {
		time.Sleep(wait)
	}
	if err := r.line.Send(request); err != nil {
		return nil, err
	}
	until := time.Now().Add(limit)
	acked, spoilt := false, error(nil)
	for {
		r.line.Take(start(r.line.Rest()))
		f, n, err := decode(r.line.Rest())
		switch {
		case err == nil:
			r.line.Take(n)
			switch {
			case f.Kind == ack:
				acked = true
			case f.Kind != info || !acked: // an old answer
			case f.TFI == tfiError:
				return nil, fmt.Errorf("%w: command %02X", rfid.ErrUnsupported, cmd)
			case f.TFI == fromChip && len(f.Data) > 0 && f.Data[0] == cmd+1:
				return f.Data[1:], nil
			}
			continue
		case !errors.Is(err, errCut):
			spoilt = err
			r.line.Take(1)
			continue
		}
		wait := until
		if spoilt != nil {
			wait = exchange.Soon(until)
		}
		err = r.line.More(wait)
		if spoilt != nil && exchange.Passing(err) {
			return nil, fmt.Errorf("%w: %w", rfid.ErrBroken, spoilt)
		}
		if err != nil {
			return nil, err
		}
	}
}
