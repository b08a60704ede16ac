package m3

import (
	"bytes"
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
	Timeout time.Duration // longest wait for an answer; 0 means 1.5 s
	EAS     bool          // allow SetEAS
}

const (
	attempts   = 3
	stepLimit  = 300 * time.Millisecond // for the version, which needs no tag
	mostRead   = 16                     // blocks in one request
	mostWrite  = 8
	mostBlocks = 256
)

// Reader is a 3M reader on a port. An operation on a reader that keeps silent
// ends after Timeout and a second.
type Reader struct {
	opts Options
	line *exchange.Line

	mu    sync.Mutex // one operation at a time
	out   []byte     // the request
	stray bool       // the line may carry old answers
}

// New is a reader on p, which it owns from now on. Nothing is sent yet.
func New(p rfid.Port, o Options) *Reader {
	if o.Timeout == 0 {
		o.Timeout = 1500 * time.Millisecond
	}
	return &Reader{opts: o, line: exchange.On(p)}
}

// Close releases the port and whoever waits for an answer.
func (r *Reader) Close() error { return r.line.Close() }

// Probe sends whatever listens on p the greeting of 3M's own software, and
// describes it when it answers as a 3M reader. The port should run at 19200 8N1.
//
// The eight bytes are harmless to others: D5 is no start of a request to an RL866
// or PN532 reader, a FEIG reader takes it for a length that never comes, and it
// is no hexadecimal digit to a TWN4.
func Probe(p rfid.Port) (string, error) {
	r := New(p, Options{Timeout: 400 * time.Millisecond})
	r.out = encode(frame{Start: probeStart, Command: cmdProbe, Data: []byte{0, cmdVersion}}, false)
	f, err := r.roundTrip(r.out, r.opts.Timeout)
	if err == nil && (f.Code != ok || len(f.Data) != 5 || f.Data[0] != cmdVersion) {
		err = fmt.Errorf("%w: code %02X and % X", rfid.ErrBroken, byte(f.Code), f.Data)
	}
	if err != nil {
		return "", &rfid.Error{Op: "probe 3m", Err: err}
	}
	return fmt.Sprintf("3M 210 or 810, software %d.%d.%d", f.Data[2], f.Data[3], f.Data[4]), nil
}

// Inventory implements rfid.Reader.
func (r *Reader) Inventory(dst []rfid.Tag) ([]rfid.Tag, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	start := len(dst)
	var err error
	for range attempts {
		if dst, err = r.inventory(dst[:start]); !exchange.Passing(err) {
			break
		}
	}
	if err != nil {
		return dst, &rfid.Error{Op: "inventory", Err: err}
	}
	return dst, nil
}

func (r *Reader) inventory(dst []rfid.Tag) ([]rfid.Tag, error) {
	f, err := r.exchange(append(open(r.out[:0], cmdInventory), 0, withUID|withDSFID|findOption))
	if err == nil {
		err = refusal(f)
	}
	if errors.Is(err, rfid.ErrNoTag) {
		return dst, nil
	}
	if err != nil {
		return dst, err
	}
	start := len(dst)
	found, err := appendTags(dst[start:], f.Data)
	return append(dst[:start], found...), err
}

// Info implements rfid.Memory.
func (r *Reader) Info(uid rfid.UID) (info rfid.Info, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for range attempts {
		var data []byte
		if data, err = r.ask(uid, cmdInfo, hasDSFID|hasAFI|hasMemory|hasIC); err == nil {
			info, err = parseInfo(data)
			info.UID = uid
		}
		if !exchange.Passing(err) {
			break
		}
	}
	if err != nil {
		return rfid.Info{}, rfid.Blame(err, uid, "tag information")
	}
	return info, nil
}

// ReadBlocks implements rfid.Memory. The protocol carries blocks of 4 bytes only.
func (r *Reader) ReadBlocks(uid rfid.UID, first, count int, dst []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out, err := r.read(uid, first, count, dst)
	if err != nil {
		return dst, rfid.Blame(err, uid, "read blocks %d+%d", first, count)
	}
	return out, nil
}

// read asks for mostRead blocks at a time, and for fewer if the reader finds that
// too much.
func (r *Reader) read(uid rfid.UID, first, count int, dst []byte) ([]byte, error) {
	if first < 0 || count < 1 || first+count > mostBlocks {
		return dst, rfid.ErrRange
	}
	most := mostRead
	for tries := 0; count > 0; {
		n := min(count, most)
		data, code, err := r.answer(uid, cmdRead, byte(first), byte(n))
		if code == parameter && most > 1 {
			most /= 2
			continue
		}
		if err == nil {
			dst, err = appendBlocks(dst, data, first, n)
		}
		if tries++; exchange.Passing(err) && tries < attempts {
			continue
		}
		if err != nil {
			return dst, fmt.Errorf("at block %d: %w", first, err)
		}
		tries, first, count = 0, first+n, count-n
	}
	return dst, nil
}

// WriteBlocks implements rfid.Memory.
func (r *Reader) WriteBlocks(uid rfid.UID, first, size int, data []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return rfid.Blame(r.write(uid, first, size, data), uid, "write %d bytes from block %d", len(data), first)
}

func (r *Reader) write(uid rfid.UID, first, size int, data []byte) error {
	switch {
	case size != blockSize:
		return fmt.Errorf("%w: blocks of %d bytes, the protocol has 4", rfid.ErrUnsupported, size)
	case len(data) == 0 || len(data)%size != 0 || first < 0 || first+len(data)/size > mostBlocks:
		return fmt.Errorf("%w: %d bytes in blocks of %d", rfid.ErrRange, len(data), size)
	}
	var held [mostWrite * blockSize]byte
	for tries := 0; len(data) > 0; {
		part := data[:min(len(data), len(held))]
		n := len(part) / size
		_, err := r.ask(uid, cmdWrite, append([]byte{byte(first), byte(n), 0}, part...)...)
		if tries++; exchange.Passing(err) && tries < attempts {
			continue
		}
		if err != nil {
			return fmt.Errorf("at block %d: %w", first, err)
		}
		back, err := r.read(uid, first, n, held[:0])
		switch {
		case err != nil:
			return fmt.Errorf("read back: %w", err)
		case !bytes.Equal(back, part):
			if tries < attempts {
				continue
			}
			return fmt.Errorf("at block %d: %w", first, rfid.ErrNotWritten)
		}
		tries, first, data = 0, first+n, data[len(part):]
	}
	return nil
}

// WriteAFI implements rfid.Securer. Whatever the write was answered, what the
// tag then holds decides.
func (r *Reader) WriteAFI(uid rfid.UID, afi rfid.AFI) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	for range attempts {
		_, wrote := r.ask(uid, cmdWriteAFI, byte(afi))
		if exchange.Away(wrote) {
			if err = wrote; exchange.Passing(err) {
				continue
			}
			break
		}
		var held rfid.AFI
		if held, err = r.afi(uid); err != nil || held == afi {
			break
		}
		err = fmt.Errorf("%w (%s)", rfid.ErrNotWritten, held)
		if wrote != nil && !exchange.Passing(wrote) {
			err = wrote
			break
		}
	}
	return rfid.Blame(err, uid, "write AFI %s", afi)
}

// afi asks a tag for its AFI.
func (r *Reader) afi(uid rfid.UID) (rfid.AFI, error) {
	var err error
	for range attempts {
		var data []byte
		data, err = r.ask(uid, cmdAFI)
		if err == nil && len(data) == 1 {
			return rfid.AFI(data[0]), nil
		}
		if err == nil {
			err = fmt.Errorf("%w: AFI of %d bytes", rfid.ErrBroken, len(data))
		}
		if !exchange.Passing(err) {
			break
		}
	}
	return 0, fmt.Errorf("read AFI back: %w", err)
}

// SetEAS implements rfid.Alarm, if Options allow.
func (r *Reader) SetEAS(uid rfid.UID, on bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	op, value := "reset EAS", byte(0)
	if on {
		op, value = "set EAS", 1
	}
	if !r.opts.EAS {
		return rfid.Blame(fmt.Errorf("%w: EAS is switched off in the settings", rfid.ErrUnsupported), uid, "%s", op)
	}
	var err error
	for range attempts {
		if err = r.eas(uid, value); !exchange.Passing(err) {
			break
		}
	}
	return rfid.Blame(err, uid, "%s", op)
}

// eas writes the bit and checks it. A tag whose bit is off keeps silent at the
// check, so silence means off only if the tag still answers otherwise.
func (r *Reader) eas(uid rfid.UID, value byte) error {
	if _, err := r.ask(uid, cmdEAS, value); err != nil {
		return err
	}
	data, err := r.ask(uid, cmdCheckEAS)
	held := byte(0)
	switch {
	case errors.Is(err, rfid.ErrNoTag):
		_, err = r.afi(uid)
	case err == nil && len(data) != 1:
		err = fmt.Errorf("%w: EAS of %d bytes", rfid.ErrBroken, len(data))
	case err == nil:
		held = data[0]
	}
	if err == nil && held != value {
		err = rfid.ErrNotWritten
	}
	return err
}

// ask sends a command that names a tag and returns what follows the UID in the
// answer.
func (r *Reader) ask(uid rfid.UID, cmd byte, rest ...byte) ([]byte, error) {
	data, _, err := r.answer(uid, cmd, rest...)
	return data, err
}

// answer is ask that also tells the reader's code.
func (r *Reader) answer(uid rfid.UID, cmd byte, rest ...byte) ([]byte, Code, error) {
	if uid.Len() != 8 {
		return nil, ok, fmt.Errorf("%w: UID of %d bytes", rfid.ErrUnsupported, uid.Len())
	}
	f, err := r.exchange(append(uid.Append(open(r.out[:0], cmd)), rest...))
	if err != nil {
		return nil, ok, err
	}
	if len(f.Data) < 8 {
		if err = refusal(f); err == nil {
			err = fmt.Errorf("%w: answer without a UID", rfid.ErrBroken)
		}
		return nil, f.Code, err
	}
	if whose := rfid.MakeUID(f.Data[:8]); whose != uid {
		r.stray = true
		return nil, ok, fmt.Errorf("%w: answer of %s", rfid.ErrBroken, whose)
	}
	return f.Data[8:], f.Code, refusal(f)
}

// exchange is the round trip: it seals and sends a begun request and returns the
// answer, whose data is valid until the next exchange. All waiting happens here.
func (r *Reader) exchange(request []byte) (frame, error) {
	r.out = request
	if err := r.line.Closed(); err != nil {
		return frame{}, err
	}
	if r.stray || len(r.line.Rest()) > 0 { // nothing comes unasked
		if err := r.step(); err != nil {
			return frame{}, err
		}
	}
	r.out = seal(request)
	f, err := r.roundTrip(r.out, r.opts.Timeout)
	r.stray = err != nil
	return f, err
}

// step brings the line into step: all answers before the version are old. A
// reader that is busy ignores the request, so it is sent more than once.
func (r *Reader) step() error {
	var b [8]byte
	return r.line.Step(attempts, attempts, func() error {
		_, err := r.roundTrip(seal(open(b[:0], cmdVersion)), stepLimit)
		return err
	})
}

func (r *Reader) roundTrip(request []byte, limit time.Duration) (frame, error) {
	if err := r.line.Send(request); err != nil {
		return frame{}, err
	}
	until := time.Now().Add(limit)
	for {
		f, n, err := decode(r.line.Rest(), true)
		switch {
		case err == nil:
			if r.line.Take(n); f.Start == request[0] && f.Command == request[3] {
				return f, nil
			}
			continue // an old answer
		case !errors.Is(err, errCut):
			return frame{}, r.line.Spoil(err)
		}
		if err := r.line.More(until); err != nil {
			return frame{}, err
		}
	}
}
