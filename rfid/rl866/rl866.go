package rl866

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/exchange"
)

var (
	_ rfid.Memory  = (*Reader)(nil)
	_ rfid.Securer = (*Reader)(nil)
	_ rfid.Alarm   = (*Reader)(nil)
)

// Options adapt the driver to a site. The zero Options suit most readers.
type Options struct {
	Timeout time.Duration // longest wait for an answer; 0 means 2 s, twice the reader's own limit for an inventory
	EAS     bool          // allow SetEAS
}

const (
	attempts   = 3
	stepLimit  = 300 * time.Millisecond // to resynchronise, which needs no tag
	mostRead   = 28                     // blocks in one request
	mostWrite  = 96                     // bytes in one request
	mostBlocks = 256
	mostRounds = 64      // of an inventory; a reader that never ends is broken
	longest    = 1 << 14 // of an answer in several blocks: 256 blocks of 32 bytes need less
)

// Reader is an RL866 on a port. An operation on a reader that keeps silent ends
// after Timeout and a second.
type Reader struct {
	opts Options
	line *exchange.Line

	mu    sync.Mutex // one operation at a time
	out   []byte     // the request
	whole []byte     // the INF of an answer in several blocks
	seq   byte       // of the next request: 0 or the bit
	found []tag      // by the last inventory
	stray bool       // the line may carry old answers, the reader hold old handles
}

// New is a reader on p, which it owns from now on. Nothing is sent yet.
func New(p rfid.Port, o Options) *Reader {
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Second
	}
	return &Reader{opts: o, line: exchange.On(p), stray: true}
}

// Close releases the port and whoever waits for an answer.
func (r *Reader) Close() error { return r.line.Close() }

// Probe asks whatever listens on p to resynchronise, and describes it when it
// answers as an RL866. The port should run at 38400 8E1.
//
// The six bytes are harmless to others: FA is no start of a request to a 3M or
// PN532 reader, a FEIG reader takes it for a length that never comes, and it is no
// hexadecimal digit to a TWN4. An RL866 begins to count anew, no more.
func Probe(p rfid.Port) (string, error) {
	r := New(p, Options{})
	r.out = seal(open(r.out[:0], resync))
	f, err := r.roundTrip(r.out, 400*time.Millisecond)
	if err != nil {
		return "", &rfid.Error{Op: "probe rl866", Err: err}
	}
	return fmt.Sprintf("RL866 family, node %02X", f.Node), nil
}

// Inventory implements rfid.Reader. The protocol does not tell DSFIDs here.
func (r *Reader) Inventory(dst []rfid.Tag) ([]rfid.Tag, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	for range attempts {
		if err = r.inventory(); !exchange.Passing(err) {
			break
		}
	}
	for _, t := range r.found {
		dst = append(dst, rfid.Tag{UID: t.uid, Kind: rfid.ISO15693})
	}
	if err != nil {
		return dst, &rfid.Error{Op: "inventory", Err: err}
	}
	return dst, nil
}

// inventory fills r.found, in as many rounds as the reader's memory makes
// necessary.
func (r *Reader) inventory() error {
	r.found = r.found[:0]
	flags, listed := byte(0), 0
	for range mostRounds {
		data, err := r.command(append(r.begin(cmdInventory), flags))
		if errors.Is(err, rfid.ErrNoTag) {
			return nil
		}
		if err != nil {
			return err
		}
		var part round
		if r.found, part, err = appendReports(r.found, data); err != nil {
			return err
		}
		listed += part.listed
		if !part.more && (part.listed == 0 || listed >= part.total) {
			return nil
		}
		flags = goOn
	}
	return fmt.Errorf("%w: inventory does not end", rfid.ErrBroken)
}

// Info implements rfid.Memory.
func (r *Reader) Info(uid rfid.UID) (info rfid.Info, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err = r.with(uid, func(handle byte) error {
		info, err = r.info(uid, handle)
		return err
	})
	return info, rfid.Blame(err, uid, "system information")
}

func (r *Reader) info(uid rfid.UID, handle byte) (rfid.Info, error) {
	data, err := r.access(handle, opInfo)
	if err != nil {
		return rfid.Info{}, err
	}
	info, err := parseInfo(data)
	if err == nil && info.UID != uid {
		r.stray = true
		return rfid.Info{}, fmt.Errorf("%w: answer of %s", rfid.ErrBroken, info.UID)
	}
	return info, err
}

// ReadBlocks implements rfid.Memory.
func (r *Reader) ReadBlocks(uid rfid.UID, first, count int, dst []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []byte
	err := r.with(uid, func(handle byte) (err error) {
		out, _, err = r.read(handle, first, count, dst)
		return err
	})
	if err != nil {
		return dst, rfid.Blame(err, uid, "read blocks %d+%d", first, count)
	}
	return out, nil
}

func (r *Reader) read(handle byte, first, count int, dst []byte) (_ []byte, size int, err error) {
	if first < 0 || count < 1 || first+count > mostBlocks {
		return dst, 0, rfid.ErrRange
	}
	for count > 0 {
		n := min(count, mostRead)
		data, err := r.access(handle, opRead, 0, byte(first), byte(first>>8), byte(n), byte(n>>8))
		var got, wide int
		if err == nil {
			dst, got, wide, err = appendBlocks(dst, data, n)
		}
		switch {
		case errors.Is(err, rfid.ErrLocked): // one status for locked and for missing, and reading needs no key
			err = fmt.Errorf("%w: %s", rfid.ErrRange, err.Error())
		case err == nil && got < n:
			err = fmt.Errorf("%w: %d blocks of %d", rfid.ErrRange, got, n)
		case err == nil && size != 0 && wide != size:
			err = fmt.Errorf("%w: blocks of %d bytes after blocks of %d", rfid.ErrBroken, wide, size)
		}
		if err != nil {
			return dst, size, fmt.Errorf("at block %d: %w", first, err)
		}
		size, first, count = wide, first+n, count-n
	}
	return dst, size, nil
}

// WriteBlocks implements rfid.Memory.
func (r *Reader) WriteBlocks(uid rfid.UID, first, size int, data []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if size < 1 || size > 32 || len(data) == 0 || len(data)%size != 0 || first < 0 || first+len(data)/size > mostBlocks {
		err := fmt.Errorf("%w: %d bytes in blocks of %d", rfid.ErrRange, len(data), size)
		return rfid.Blame(err, uid, "write %d bytes from block %d", len(data), first)
	}
	err := r.with(uid, func(handle byte) error { return r.write(handle, first, size, data) })
	return rfid.Blame(err, uid, "write %d bytes from block %d", len(data), first)
}

func (r *Reader) write(handle byte, first, size int, data []byte) error {
	for len(data) > 0 {
		part := data[:min(len(data), mostWrite/size*size)]
		n := len(part) / size
		head := []byte{byte(first), byte(first >> 8), byte(n), byte(n >> 8)}
		if _, err := r.access(handle, opWrite, append(head, part...)...); err != nil {
			return fmt.Errorf("at block %d: %w", first, err)
		}
		back, wide, err := r.read(handle, first, n, nil)
		switch {
		case err != nil:
			return fmt.Errorf("read back: %w", err)
		case wide != size || !bytes.Equal(back, part):
			return fmt.Errorf("at block %d: %w", first, rfid.ErrNotWritten)
		}
		first, data = first+n, data[len(part):]
	}
	return nil
}

// WriteAFI implements rfid.Securer. Whatever the write was answered, what the
// tag then holds decides.
func (r *Reader) WriteAFI(uid rfid.UID, afi rfid.AFI) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.with(uid, func(handle byte) error {
		_, wrote := r.access(handle, opAFI, byte(afi))
		if r.stray { // not even the reader has answered
			return wrote
		}
		info, err := r.info(uid, handle)
		switch {
		case err != nil:
			return fmt.Errorf("read AFI back: %w", err)
		case info.AFI == afi:
			return nil
		case wrote != nil && !exchange.Passing(wrote):
			return wrote
		}
		return fmt.Errorf("%w (%s)", rfid.ErrNotWritten, info.AFI)
	})
	return rfid.Blame(err, uid, "write AFI %s", afi)
}

// SetEAS implements rfid.Alarm, if Options allow.
func (r *Reader) SetEAS(uid rfid.UID, on bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	op, code := "reset EAS", opEASOff
	if on {
		op, code = "set EAS", opEASOn
	}
	if !r.opts.EAS {
		return rfid.Blame(fmt.Errorf("%w: EAS is switched off in the settings", rfid.ErrUnsupported), uid, "%s", op)
	}
	err := r.with(uid, func(handle byte) error { return r.eas(uid, handle, code, on) })
	return rfid.Blame(err, uid, "%s", op)
}

// eas writes the bit and listens for the alarm as a gate does. A tag whose bit is
// off keeps silent, so silence means off only if it still answers otherwise.
func (r *Reader) eas(uid rfid.UID, handle byte, code uint16, on bool) error {
	if _, err := r.access(handle, code); err != nil {
		return err
	}
	_, err := r.access(handle, opAlarm)
	sounds := err == nil
	if errors.Is(err, rfid.ErrNoTag) {
		_, err = r.info(uid, handle)
	}
	if err == nil && sounds != on {
		err = rfid.ErrNotWritten
	}
	return err
}

// with connects a tag, works with its handle, and disconnects it. What failed in
// passing is done again from the start.
func (r *Reader) with(uid rfid.UID, work func(handle byte) error) error {
	if uid.Len() != 8 {
		return fmt.Errorf("%w: UID of %d bytes", rfid.ErrUnsupported, uid.Len())
	}
	var err error
	for range attempts {
		var handle byte
		if handle, err = r.connect(uid); err == nil {
			err = work(handle)
			if !r.stray { // or else step drops all handles
				_, _ = r.command(append(r.begin(cmdDisconnect), handle))
			}
		}
		if !exchange.Passing(err) && !errors.Is(err, rfid.ErrNotWritten) {
			break
		}
	}
	return err
}

func (r *Reader) connect(uid rfid.UID) (handle byte, err error) {
	kind := byte(icodeSLI)
	for _, t := range r.found {
		if t.uid == uid && t.kind != 0 {
			kind = t.kind
		}
	}
	b := append(r.begin(cmdConnect), 0, iso15693, kind, 9, 1)
	data, err := r.command(uid.Reversed().Append(b))
	if err == nil && (len(data) != 1 || data[0] == all) {
		r.stray = true
		err = fmt.Errorf("%w: handle % X", rfid.ErrBroken, data)
	}
	if err != nil {
		return 0, fmt.Errorf("connect: %w", err)
	}
	return data[0], nil
}

// access sends one operation on a connected tag and returns its data.
func (r *Reader) access(handle byte, code uint16, parameters ...byte) ([]byte, error) {
	b := append(r.begin(cmdAccess), handle, byte(2+len(parameters)))
	b = append(binary.LittleEndian.AppendUint16(b, code), parameters...)
	data, err := r.command(b)
	if err != nil {
		return nil, err
	}
	return outcome(data, code)
}

// begin begins a request; command gives it its sequence number.
func (r *Reader) begin(cmd byte) []byte { return append(open(r.out[:0], 0), cmd) }

// command is the round trip: it seals and sends a begun request and returns what
// follows the status in the answer, valid until the next command. All waiting
// happens here.
func (r *Reader) command(request []byte) ([]byte, error) {
	r.out = request
	if err := r.line.Closed(); err != nil {
		return nil, err
	}
	if r.stray || len(r.line.Rest()) > 0 { // nothing comes unasked
		if err := r.step(); err != nil {
			return nil, err
		}
	}
	request[3] = r.seq
	r.out = seal(request)
	f, err := r.roundTrip(r.out, r.opts.Timeout)
	if r.stray = err != nil; r.stray {
		return nil, err
	}
	r.seq ^= sequence
	data, err := result(f.Info)
	r.stray = lost(err)
	return data, err
}

// step brings the line into step: all answers before the one to RESYNC are old.
// Then it drops the handles that are left.
func (r *Reader) step() error {
	var b [16]byte
	err := r.line.Step(attempts, attempts, func() error {
		r.stray, r.seq = true, 0
		_, err := r.roundTrip(seal(open(b[:0], resync)), stepLimit)
		if err == nil {
			_, err = r.roundTrip(seal(append(open(b[:0], 0), cmdDisconnect, all)), stepLimit)
		}
		return err
	})
	if err == nil {
		r.stray, r.seq = false, sequence
	}
	return err
}

// roundTrip sends a sealed request and returns the answer to it, its INF in one
// piece.
func (r *Reader) roundTrip(request []byte, limit time.Duration) (frame, error) {
	r.whole = r.whole[:0]
	if err := r.line.Send(request); err != nil {
		return frame{}, err
	}
	until := time.Now().Add(limit)
	var next byte // acknowledgement that asks for the block after the last one
	for {
		f, n, err := decode(r.line.Rest())
		switch {
		case err == nil:
			r.line.Take(n)
			if !answers(f, request, len(r.whole) > 0) {
				continue // old
			}
			more := f.PCB&(special|chained) == chained
			if !more && len(r.whole) == 0 {
				return f, nil
			}
			if r.whole = append(r.whole, f.Info...); !more {
				f.Info = r.whole
				return f, nil
			}
			if len(r.whole) > longest {
				return frame{}, r.line.Spoil(errors.New("answer does not end"))
			}
			next = acknowledge | (f.PCB^sequence)&sequence>>2
			continue
		case !errors.Is(err, errCut):
			return frame{}, r.line.Spoil(err)
		}
		wait := until
		if next != 0 {
			wait = exchange.Soon(until)
		}
		err = r.line.More(wait)
		if errors.Is(err, rfid.ErrTimeout) && next != 0 {
			// The reader does not send all blocks at once; it waits to be asked.
			var b [8]byte
			err = r.line.Write(seal(open(b[:0], next)))
			next = 0
		}
		if err != nil {
			return frame{}, err
		}
	}
}

// answers tells whether a frame is the answer to a request, or continues it.
func answers(f frame, request []byte, continues bool) bool {
	switch {
	case request[3] == resync:
		return f.PCB == resynced
	case f.PCB&special != 0:
		return false
	case continues:
		return true
	}
	return (f.PCB^request[3])&sequence == 0 && len(f.Info) > 0 && f.Info[0] == request[4]
}
