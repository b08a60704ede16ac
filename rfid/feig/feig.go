package feig

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
	Timeout  time.Duration // longest wait for an answer; must exceed TR-RESPONSE-TIME; 0 means 1.2 s
	Advanced bool          // ask in advanced frames
	EAS      bool          // allow SetEAS, through the transparent command
}

const (
	attempts  = 3
	pause     = 5 * time.Millisecond   // before a request, after the last answer
	stepLimit = 500 * time.Millisecond // for command 52, which needs no tag
	mostBytes = 128                    // of memory in one request
)

// Reader is a FEIG reader on a port. An operation on a reader that keeps silent
// ends after Timeout and half a second.
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
		o.Timeout = 1200 * time.Millisecond
	}
	return &Reader{opts: o, line: exchange.On(p), out: make([]byte, 0, 64)}
}

// Close releases the port and whoever waits for an answer.
func (r *Reader) Close() error { return r.line.Close() }

// Probe asks whatever listens on p for its software version, and describes it
// when the answer is a FEIG reader's. The port should run at 38400 8E1.
//
// The five bytes are harmless to others: no 3M, RL866, PN532 or TWN4 reader
// takes 05 as the start of a request.
func Probe(p rfid.Port) (string, error) {
	r := New(p, Options{Timeout: 400 * time.Millisecond})
	f, err := r.exchange(r.begin(cmdVersion), r.opts.Timeout)
	if err == nil && (f.Status != ok || len(f.Data) < 5) {
		err = fmt.Errorf("%w: status %02X and %d bytes", rfid.ErrBroken, byte(f.Status), len(f.Data))
	}
	if err != nil {
		return "", &rfid.Error{Op: "probe feig", Err: err}
	}
	return fmt.Sprintf("FEIG OBID, software %d.%d, hardware %02X, type %02X", f.Data[0], f.Data[1], f.Data[3], f.Data[4]), nil
}

// Inventory implements rfid.Reader.
func (r *Reader) Inventory(dst []rfid.Tag) ([]rfid.Tag, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	start := len(dst)
	var err error
	for range attempts {
		dst, err = r.inventory(dst[:start], start)
		if !exchange.Passing(err) {
			break
		}
	}
	if err != nil {
		return dst, &rfid.Error{Op: "inventory", Err: err}
	}
	return dst, nil
}

// inventory is a full round: the field off and on, then all tags.
func (r *Reader) inventory(dst []rfid.Tag, start int) ([]rfid.Tag, error) {
	f, err := r.exchange(r.begin(cmdRFReset), r.opts.Timeout)
	if err == nil {
		err = refusal(f)
	}
	if err != nil {
		return dst, fmt.Errorf("RF reset: %w", err)
	}
	mode := byte(0)
	for range 64 { // of at least one tag each; a reader that never ends is broken
		f, err := r.exchange(append(r.begin(cmdISO), isoInventory, mode), r.opts.Timeout)
		if err != nil {
			return dst, err
		}
		if f.Status == noTag {
			return dst, nil
		}
		if err := refusal(f); err != nil {
			return dst, err
		}
		found, err := appendTags(dst[start:], f.Data)
		dst = append(dst[:start], found...)
		if err != nil || f.Status == ok {
			return dst, err
		}
		mode = modeMore
	}
	return dst, fmt.Errorf("%w: inventory does not end", rfid.ErrBroken)
}

// Info implements rfid.Memory.
func (r *Reader) Info(uid rfid.UID) (rfid.Info, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	info, err := r.info(uid)
	return info, rfid.Blame(err, uid, "system information")
}

func (r *Reader) info(uid rfid.UID) (info rfid.Info, err error) {
	for range attempts {
		var f frame
		if f, err = r.ask(uid, isoSystemInfo); err == nil {
			info, err = parseInfo(f.Data)
		}
		if err == nil && info.UID != uid {
			err, r.stray = fmt.Errorf("%w: answer of %s", rfid.ErrBroken, info.UID), true
		}
		if !exchange.Passing(err) {
			break
		}
	}
	if err != nil {
		return rfid.Info{}, err
	}
	return info, nil
}

// ReadBlocks implements rfid.Memory.
func (r *Reader) ReadBlocks(uid rfid.UID, first, count int, dst []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out, _, err := r.read(uid, first, count, dst)
	if err != nil {
		return dst, rfid.Blame(err, uid, "read blocks %d+%d", first, count)
	}
	return out, nil
}

// read asks for 32 blocks at a time, and for fewer if the reader finds that too
// much, as it does when a tag's blocks are longer than 4 bytes.
func (r *Reader) read(uid rfid.UID, first, count int, dst []byte) (_ []byte, size int, err error) {
	if first < 0 || count < 1 || first+count > 256 {
		return dst, 0, rfid.ErrRange
	}
	most := mostBytes / 4
	for tries := 0; count > 0; {
		n := min(count, most)
		f, err := r.ask(uid, isoRead, byte(first), byte(n))
		if f.Status == parameter && most > 1 {
			most /= 2
			continue
		}
		wide := size
		if err == nil {
			var out []byte
			if out, wide, err = appendBlocks(dst, f.Data, n); err == nil {
				dst = out
			}
		}
		if err == nil && size != 0 && wide != size {
			err, r.stray = fmt.Errorf("%w: blocks of %d bytes after blocks of %d", rfid.ErrBroken, wide, size), true
			return dst, size, err
		}
		if tries++; exchange.Passing(err) && tries < attempts {
			continue
		}
		if err != nil {
			return dst, size, fmt.Errorf("at block %d: %w", first, err)
		}
		size, tries, first, count = wide, 0, first+n, count-n
	}
	return dst, size, nil
}

// WriteBlocks implements rfid.Memory.
func (r *Reader) WriteBlocks(uid rfid.UID, first, size int, data []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return rfid.Blame(r.write(uid, first, size, data), uid, "write %d bytes from block %d", len(data), first)
}

func (r *Reader) write(uid rfid.UID, first, size int, data []byte) error {
	if size < 1 || size > 32 || len(data) == 0 || len(data)%size != 0 || first < 0 || first+len(data)/size > 256 {
		return fmt.Errorf("%w: %d bytes in blocks of %d", rfid.ErrRange, len(data), size)
	}
	for tries := 0; len(data) > 0; {
		n := min(len(data), mostBytes/size*size)
		b := append(r.address(uid, isoWrite), byte(first), byte(n/size), byte(size))
		for i := 0; i < n; i += size {
			b = appendReversed(b, data[i:i+size])
		}
		err := r.told(b)
		if tries++; exchange.Passing(err) && tries < attempts {
			continue
		}
		if err != nil {
			return fmt.Errorf("at block %d: %w", first, err)
		}
		back, wide, err := r.read(uid, first, n/size, nil)
		switch {
		case err != nil:
			return fmt.Errorf("read back: %w", err)
		case wide != size || !bytes.Equal(back, data[:n]):
			if tries < attempts {
				continue
			}
			return fmt.Errorf("at block %d: %w", first, rfid.ErrNotWritten)
		}
		tries, first, data = 0, first+n/size, data[n:]
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
		wrote := r.told(append(r.address(uid, isoAFI), byte(afi)))
		if exchange.Away(wrote) {
			if err = wrote; exchange.Passing(err) {
				continue
			}
			break
		}
		var info rfid.Info
		if info, err = r.info(uid); err != nil {
			break
		}
		if info.AFI == afi {
			return nil
		}
		err = fmt.Errorf("%w (%s)", rfid.ErrNotWritten, info.AFI)
		if wrote != nil && !exchange.Passing(wrote) {
			err = wrote
			break
		}
	}
	return rfid.Blame(err, uid, "write AFI %s", afi)
}

// Requests of NXP's ICODE chips, as they go over the air: flags (high data rate,
// addressed), command, maker, UID low byte first.
const (
	airFlags          = 0x22
	nxp               = 0x04
	setEAS, resetEAS  = 0xA2, 0xA3
	alarmEAS          = 0xA5
	airRead, airWrite = 1, 2 // MODE
	answerDelay       = 0x021F
	okBits, alarmBits = 8, 8 + 256
)

// SetEAS implements rfid.Alarm, if Options allow.
func (r *Reader) SetEAS(uid rfid.UID, on bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	op, cmd := "reset EAS", byte(resetEAS)
	if on {
		op, cmd = "set EAS", setEAS
	}
	if !r.opts.EAS {
		return rfid.Blame(fmt.Errorf("%w: EAS is switched off in the settings", rfid.ErrUnsupported), uid, "%s", op)
	}
	var err error
	for range attempts {
		if err = r.eas(uid, cmd, on); !exchange.Passing(err) {
			break
		}
	}
	return rfid.Blame(err, uid, "%s", op)
}

// eas writes the bit and listens for the alarm as a gate does. Silence means no
// alarm only if the tag still answers otherwise.
func (r *Reader) eas(uid rfid.UID, cmd byte, on bool) error {
	if _, err := r.air(uid, airWrite, okBits, cmd); err != nil {
		return err
	}
	sounds, err := r.air(uid, airRead, alarmBits, alarmEAS)
	if errors.Is(err, rfid.ErrNoTag) {
		sounds = false
		_, err = r.info(uid)
	}
	if err == nil && sounds != on {
		err = rfid.ErrNotWritten
	}
	return err
}

// air sends a request to the tag and tells whether it answered without an error.
func (r *Reader) air(uid rfid.UID, mode byte, bits uint16, cmd byte) (bool, error) {
	b := append(r.begin(cmdTransparent), mode, byte(bits>>8), byte(bits), answerDelay>>8, answerDelay&0xFF, airFlags, cmd, nxp)
	f, err := r.exchange(uid.Reversed().Append(b), r.opts.Timeout)
	if err == nil {
		err = refusal(f)
	}
	switch {
	case err != nil:
		return false, err
	case len(f.Data) == 0:
		return false, fmt.Errorf("%w: empty answer", rfid.ErrBroken)
	case f.Data[0]&1 != 0:
		return false, fmt.Errorf("%w: tag refused", rfid.ErrUnsupported)
	}
	return true, nil
}

// ask sends an addressed ISO host command; told is the same when only yes or no
// matters.
func (r *Reader) ask(uid rfid.UID, sub byte, rest ...byte) (frame, error) {
	f, err := r.exchange(append(r.address(uid, sub), rest...), r.opts.Timeout)
	if err == nil {
		err = refusal(f)
	}
	return f, err
}

func (r *Reader) told(request []byte) error {
	f, err := r.exchange(request, r.opts.Timeout)
	if err == nil {
		err = refusal(f)
	}
	return err
}

func (r *Reader) begin(cmd byte) []byte { return open(r.out[:0], r.opts.Advanced, cmd) }

func (r *Reader) address(uid rfid.UID, sub byte) []byte {
	return uid.Append(append(r.begin(cmdISO), sub, modeAddressed))
}

// exchange is the round trip: it seals and sends a begun request and returns the
// answer, whose data is valid until the next exchange. All waiting happens here.
func (r *Reader) exchange(request []byte, limit time.Duration) (frame, error) {
	if err := r.line.Closed(); err != nil {
		return frame{}, err
	}
	if r.stray {
		if err := r.step(); err != nil {
			return frame{}, err
		}
	}
	r.out = seal(request)
	f, err := r.roundTrip(r.out, limit)
	r.stray = err != nil
	return f, err
}

// step brings the line into step: all answers before the one to command 52 are
// old.
func (r *Reader) step() error {
	var b [16]byte
	return r.line.Step(1, attempts+1, func() error {
		_, err := r.roundTrip(seal(append(open(b[:0], r.opts.Advanced, cmdBaud), 0)), stepLimit)
		return err
	})
}

func (r *Reader) roundTrip(request []byte, limit time.Duration) (frame, error) {
	if wait := pause - time.Since(r.line.Heard); wait > 0 {
		time.Sleep(wait)
	}
	if err := r.line.Send(request); err != nil {
		return frame{}, err
	}
	cmd := request[2]
	if request[0] == 2 {
		cmd = request[4]
	}
	until := time.Now().Add(limit)
	for {
		f, n, err := decode(r.line.Rest(), true)
		switch {
		case err == nil:
			if r.line.Take(n); f.Command == cmd {
				return f, nil
			}
			continue // somebody else's answer
		case !errors.Is(err, errCut):
			return frame{}, r.line.Spoil(err)
		}
		if err := r.line.More(until); err != nil {
			return frame{}, err
		}
	}
}
