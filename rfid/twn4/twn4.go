package twn4

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
	_ rfid.Memory     = (*Reader)(nil)
	_ rfid.Securer    = (*Reader)(nil)
	_ rfid.CardMemory = (*Reader)(nil)
)

// Options adapt the driver to a site. The zero Options suit most readers.
type Options struct {
	Timeout time.Duration // longest wait for an answer; 0 means 800 ms
	Format  Format        // how messages travel
	LF, HF  uint32        // tag types to look for; both 0 means EM4102, ISO 14443A and ISO 15693
	Keys    []rfid.Key    // tried in order by ReadSector; none means rfid.DefaultKeys
}

const (
	attempts  = 3
	stepLimit = 150 * time.Millisecond // for the version, which needs no tag
	asking    = 6                      // times for two equal answers

	lfEM4102            = 1 << (typeEM4102 & 0x1F)
	hfMIFARE, hfISO     = 1 << (typeISO14443 & 0x1F), 1 << (typeISO15693 & 0x1F)
	searchMax, blockMax = rfid.MaxUID, 32
)

// Reader is a TWN4 on a port. It sees one tag or card at a time. An operation on
// a reader that keeps silent ends within Timeout and a second.
type Reader struct {
	opts Options
	line *exchange.Line

	mu     sync.Mutex // one operation at a time
	format Format     // found to be spoken; Auto until then
	out    []byte     // the request
	sent   []byte     // as it travels
	answer []byte
	first  []byte // of two answers that must be equal
	known  []byte // last answer to a search that is believed
	ready  bool   // set up, and no old answers on the line
}

// New is a reader on p, which it owns from now on. Nothing is sent yet.
func New(p rfid.Port, o Options) *Reader {
	if o.Timeout == 0 {
		o.Timeout = 800 * time.Millisecond
	}
	if o.LF == 0 && o.HF == 0 {
		o.LF, o.HF = lfEM4102, hfMIFARE|hfISO
	}
	if len(o.Keys) == 0 {
		o.Keys = rfid.DefaultKeys
	}
	return &Reader{opts: o, line: exchange.On(p), format: o.Format}
}

// Close releases the port and whoever waits for an answer.
func (r *Reader) Close() error { return r.line.Close() }

// Probe asks whatever listens on p for its version, in all formats, binary first
// since a line of text ends whatever binary bytes an ASCII reader has taken for
// the start of one, and not the other way round. The port may run at 9600 8N1.
//
// The bytes are harmless to others: none of them is the start of a 3M, RL866 or
// PN532 frame, and a FEIG reader drops a frame that breaks off.
func Probe(p rfid.Port) (string, error) {
	r := New(p, Options{})
	version, err := r.synchronise()
	if err != nil {
		return "", &rfid.Error{Op: "probe twn4", Err: err}
	}
	return fmt.Sprintf("%s, %v", version, r.format), nil
}

// Inventory implements rfid.Reader.
func (r *Reader) Inventory(dst []rfid.Tag) ([]rfid.Tag, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	tag, found, err := r.search()
	if err != nil {
		return dst, &rfid.Error{Op: "inventory", Err: err}
	}
	if found {
		dst = append(dst, tag)
	}
	return dst, nil
}

// Info implements rfid.Memory.
func (r *Reader) Info(uid rfid.UID) (info rfid.Info, err error) {
	err = r.operation(uid, "system information", func() (err error) { info, err = r.info(uid); return err })
	if err != nil {
		return rfid.Info{}, err
	}
	return info, nil
}

// ReadBlocks implements rfid.Memory.
func (r *Reader) ReadBlocks(uid rfid.UID, first, count int, dst []byte) ([]byte, error) {
	out := dst
	err := r.operation(uid, fmt.Sprintf("read blocks %d+%d", first, count), func() (err error) {
		if first < 0 || count < 1 || first+count > 256 {
			return rfid.ErrRange
		}
		out, err = r.read(uid, first, count, dst)
		return err
	})
	if err != nil {
		return dst, err
	}
	return out, nil
}

// WriteBlocks implements rfid.Memory. The reader does not say why a write is
// refused; ErrLocked is what remains when the tag is there and the block can be
// read.
func (r *Reader) WriteBlocks(uid rfid.UID, first, size int, data []byte) error {
	return r.operation(uid, fmt.Sprintf("write %d bytes from block %d", len(data), first), func() error {
		if size < 1 || size > blockMax || len(data) == 0 || len(data)%size != 0 || first < 0 || first+len(data)/size > 256 {
			return fmt.Errorf("%w: %d bytes in blocks of %d", rfid.ErrRange, len(data), size)
		}
		return r.write(uid, first, size, data)
	})
}

// WriteAFI implements rfid.Securer, to say that it cannot.
func (r *Reader) WriteAFI(uid rfid.UID, afi rfid.AFI) error {
	err := fmt.Errorf("%w: the generic ISO 15693 command is not described", rfid.ErrUnsupported)
	if closed := r.line.Closed(); closed != nil {
		err = closed
	}
	return &rfid.Error{Op: fmt.Sprintf("write AFI %s", afi), UID: uid, Err: err}
}

// ReadSector implements rfid.CardMemory.
func (r *Reader) ReadSector(uid rfid.UID, sector int, dst []byte) ([]byte, error) {
	out := dst
	err := r.operation(uid, fmt.Sprintf("read sector %d", sector), func() (err error) {
		if sector < 0 || sector > 31 {
			return rfid.ErrRange
		}
		out, err = r.sector(uid, sector, dst)
		return err
	})
	if err != nil {
		return dst, err
	}
	return out, nil
}

// Beep sounds the reader's beeper once, volume 0 to 100, for up to a minute.
func (r *Reader) Beep(volume, hertz int, length time.Duration) error {
	return r.operation(rfid.UID{}, "beep", func() error {
		if volume < 0 || volume > 100 || hertz < 500 || hertz > 10000 || length < 0 || length > time.Minute {
			return rfid.ErrRange
		}
		b := binary.LittleEndian.AppendUint16(append(r.begin(0x04, 0x07), byte(volume)), uint16(hertz))
		b = binary.LittleEndian.AppendUint16(b, uint16(length.Milliseconds()))
		_, err := r.exchange(append(b, 0, 0))
		return err
	})
}

// Lights are the reader's lamps, in any combination.
type Lights byte

// Lamps.
const (
	Red    Lights = 1 << iota
	Green         //
	Yellow        //
)

// Light turns exactly these lamps on.
func (r *Reader) Light(on Lights) error {
	return r.operation(rfid.UID{}, "light", func() error {
		const all = Red | Green | Yellow
		if on&^all != 0 {
			return rfid.ErrRange
		}
		for _, b := range [][]byte{{0x00, byte(all), 0, 0}, {0x03, byte(all &^ on)}, {0x02, byte(on)}} {
			if _, err := r.exchange(append(r.begin(0x04, b[0]), b[1:]...)); err != nil {
				return err
			}
		}
		return nil
	})
}

// operation takes its turn, repeats what the line spoilt, and says what was
// asked of which chip.
func (r *Reader) operation(uid rfid.UID, op string, f func() error) (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for range attempts {
		if err = f(); !r.passing(err) {
			break
		}
	}
	if err != nil {
		return &rfid.Error{Op: op, UID: uid, Err: err}
	}
	return nil
}

// passing tells whether asking again may help. Without a check even a refusal
// may be a disturbed digit.
func (r *Reader) passing(err error) bool {
	switch {
	case errors.Is(err, exchange.ErrMute):
		return false
	case exchange.Passing(err), errors.Is(err, rfid.ErrNotWritten), errors.Is(err, errNo):
		return true
	}
	var c code
	return !r.format.Checked() && errors.As(err, &c)
}

// search looks for a tag. What it found before is believed at once.
func (r *Reader) search() (tag rfid.Tag, found bool, err error) {
	for n := 0; n < attempts; n++ {
		var data []byte
		if data, err = r.exchange(append(r.begin(0x05, 0x00), searchMax)); err == nil {
			if !bytes.Equal(data, r.known) {
				data, err = r.sure(data)
			}
			if err == nil {
				if tag, found, err = parseTag(data); err == nil {
					r.known = append(r.known[:0], data...)
					return tag, found, nil
				}
				r.ready = false
			}
		}
		if !r.passing(err) {
			break
		}
	}
	return rfid.Tag{}, false, err
}

// find makes the chip with this UID the one that functions work on.
func (r *Reader) find(uid rfid.UID, kind rfid.Kind) error {
	tag, found, err := r.search()
	switch {
	case err != nil:
		return err
	case !found || tag.UID != uid:
		return rfid.ErrNoTag
	case tag.Kind != kind:
		return fmt.Errorf("%w: %v", rfid.ErrUnsupported, tag.Kind)
	}
	return nil
}

func (r *Reader) info(uid rfid.UID) (rfid.Info, error) {
	block, err := r.read(uid, 0, 1, nil)
	if err != nil {
		return rfid.Info{}, err
	}
	data, err := r.ask(r.begin(0x0D, 0x01))
	if errors.Is(err, errNo) {
		err = r.why(uid, rfid.ErrUnsupported)
	}
	if err != nil {
		return rfid.Info{}, err
	}
	info, err := parseInfo(data, uid, len(block))
	if err != nil {
		r.ready = false
	}
	return info, err
}

func (r *Reader) read(uid rfid.UID, first, count int, dst []byte) ([]byte, error) {
	if err := r.find(uid, rfid.ISO15693); err != nil {
		return dst, err
	}
	for block, size := first, 0; block < first+count; block++ {
		data, err := r.ask(append(binary.LittleEndian.AppendUint16(r.begin(0x0D, 0x05), uint16(block)), blockMax))
		if errors.Is(err, errNo) {
			err = r.why(uid, rfid.ErrRange)
		}
		if err == nil && (len(data) < 2 || len(data) != 1+int(data[0]) || size != 0 && size != len(data)-1) {
			r.ready, err = false, fmt.Errorf("%w: %d bytes", rfid.ErrBroken, len(data))
		}
		if err != nil {
			return dst, fmt.Errorf("at block %d: %w", block, err)
		}
		size = len(data) - 1
		dst = append(dst, data[1:]...)
	}
	return dst, nil
}

func (r *Reader) write(uid rfid.UID, first, size int, data []byte) error {
	if err := r.find(uid, rfid.ISO15693); err != nil {
		return err
	}
	for i := 0; i < len(data); i += size {
		b := binary.LittleEndian.AppendUint16(r.begin(0x0D, 0x07), uint16(first+i/size))
		_, err := r.yes(append(append(b, byte(size)), data[i:i+size]...))
		if errors.Is(err, errNo) {
			err = r.refused(uid, first+i/size, size)
		}
		if err != nil {
			return fmt.Errorf("at block %d: %w", first+i/size, err)
		}
	}
	back, err := r.read(uid, first, len(data)/size, nil)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if !bytes.Equal(back, data) {
		return rfid.ErrNotWritten
	}
	return nil
}

// refused is why a block was not written, as far as can be found out.
func (r *Reader) refused(uid rfid.UID, block, size int) error {
	back, err := r.read(uid, block, 1, nil)
	switch {
	case err != nil:
		return err
	case len(back) != size:
		return fmt.Errorf("%w: blocks have %d bytes", rfid.ErrRange, len(back))
	}
	return fmt.Errorf("%w: %w", rfid.ErrLocked, errNo)
}

// sector reads three blocks with the first key that fits.
func (r *Reader) sector(uid rfid.UID, sector int, dst []byte) ([]byte, error) {
	for _, k := range r.opts.Keys {
		if err := r.find(uid, rfid.ISO14443A); err != nil {
			return dst, err
		}
		which := byte(0)
		if k.B {
			which = 1
		}
		_, err := r.ask(append(append(r.begin(0x0B, 0x00), k.Secret[:]...), which, byte(sector)))
		out := dst
		for block := sector * 4; err == nil && block < sector*4+3; block++ {
			var data []byte
			if data, err = r.ask(append(r.begin(0x0B, 0x01), byte(block))); err == nil && len(data) != 16 {
				r.ready = false
				return dst, fmt.Errorf("%w: block of %d bytes", rfid.ErrBroken, len(data))
			}
			out = append(out, data...)
		}
		switch {
		case err == nil:
			return out, nil
		case !errors.Is(err, errNo):
			return dst, err
		}
	}
	return dst, r.why(uid, rfid.ErrKey)
}

var errNo = errors.New("it did not work, which is all we know") // result 00

// why is the cause of a result 00: the tag left, or what remains.
func (r *Reader) why(uid rfid.UID, remains error) error {
	tag, found, err := r.search()
	switch {
	case err != nil:
		return err
	case !found || tag.UID != uid:
		return rfid.ErrNoTag
	}
	return fmt.Errorf("%w: %w", remains, errNo)
}

// yes is an exchange whose answer begins with a result, errNo if it is 00; ask
// also makes sure of the answer.
func (r *Reader) yes(request []byte) ([]byte, error) { return r.worked(r.exchange(request)) }

func (r *Reader) ask(request []byte) ([]byte, error) {
	data, err := r.exchange(request)
	if err == nil {
		data, err = r.sure(data)
	}
	return r.worked(data, err)
}

func (r *Reader) worked(data []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	worked, rest, err := result(data)
	switch {
	case err != nil:
		r.ready = false
		return nil, err
	case !worked:
		return nil, errNo
	}
	return rest, nil
}

// sure repeats the last request until two answers running are equal, unless a
// check protects them.
func (r *Reader) sure(data []byte) ([]byte, error) {
	if r.format.Checked() {
		return data, nil
	}
	for range asking {
		r.first = append(r.first[:0], data...)
		var err error
		if data, err = r.exchange(r.out); err != nil {
			return nil, err
		}
		if bytes.Equal(data, r.first) {
			return data, nil
		}
	}
	r.ready = false
	return nil, fmt.Errorf("%w: no two answers are the same", rfid.ErrBroken)
}

// begin starts a request; its parameters are appended.
func (r *Reader) begin(api, function byte) []byte {
	if r.out == nil {
		r.out = make([]byte, 0, 64)
	}
	return append(r.out[:0], api, function)
}

// exchange is the round trip: it sends a begun request and returns the results
// of the answer, valid until the next exchange. All waiting happens here.
func (r *Reader) exchange(request []byte) ([]byte, error) {
	if err := r.line.Closed(); err != nil {
		return nil, err
	}
	r.out = request
	if !r.ready {
		if err := r.prepare(); err != nil {
			return nil, err
		}
	}
	r.sent = encode(r.sent[:0], request, r.format)
	data, err := r.roundTrip(r.opts.Timeout)
	r.ready = err == nil || !errors.Is(err, rfid.ErrBroken) && !errors.Is(err, rfid.ErrTimeout) && !errors.Is(err, rfid.ErrGone)
	return data, err
}

// prepare brings the line into step and tells the reader what to look for.
func (r *Reader) prepare() error {
	if _, err := r.synchronise(); err != nil {
		return err
	}
	var b [10]byte
	types := binary.LittleEndian.AppendUint32(append(b[:0], 0x05, 0x02), r.opts.LF)
	r.sent = encode(r.sent[:0], binary.LittleEndian.AppendUint32(types, r.opts.HF), r.format)
	data, err := r.roundTrip(stepLimit)
	if err == nil && len(data) > 0 {
		err = fmt.Errorf("%w: %d results, want none", rfid.ErrBroken, len(data))
	}
	if err != nil {
		return fmt.Errorf("set tag types: %w", err)
	}
	return nil
}

// synchronise gets the version, in the format that is known, or in each until
// one is answered: whatever comes before it is old.
func (r *Reader) synchronise() (version string, err error) {
	formats := []Format{r.format, r.format} // twice: the first answer may be lost
	if r.opts.Format == Auto {
		all := []Format{Binary, BinaryWithCRC, ASCII, ASCIIWithCRC}
		if r.format == Auto {
			formats = all
		}
		formats = append(formats, all...)
	}
	known := r.format
	for _, f := range formats {
		r.line.Drain()
		r.format = f
		if version, err = r.version(); err == nil {
			return version, nil
		}
		if errors.Is(err, rfid.ErrGone) || errors.Is(err, rfid.ErrClosed) {
			return "", err
		}
	}
	if errors.Is(err, rfid.ErrTimeout) {
		err = fmt.Errorf("%w: %w", exchange.ErrMute, err)
	}
	r.format = known
	return "", err
}

func (r *Reader) version() (string, error) {
	r.sent = r.sent[:0]
	if r.format.ascii() {
		r.sent = append(r.sent, '\r') // ends what the reader may have taken for the start of a line
	}
	r.sent = encode(r.sent, []byte{0x00, 0x04, 0xFF}, r.format)
	until := time.Now().Add(stepLimit)
	data, err := r.roundTrip(stepLimit)
	for time.Now().Before(until) {
		if err == nil && len(data) > 4 && int(data[0]) == len(data)-1 && bytes.HasPrefix(data[1:], []byte("TWN4")) {
			return string(data[1:]), nil
		}
		if errors.Is(err, rfid.ErrTimeout) || errors.Is(err, rfid.ErrGone) || errors.Is(err, rfid.ErrClosed) {
			return "", err
		}
		data, err = r.await(until)
	}
	return "", fmt.Errorf("%w: no version", rfid.ErrTimeout)
}

// roundTrip sends what is ready to be sent and waits for an answer.
func (r *Reader) roundTrip(limit time.Duration) ([]byte, error) {
	if err := r.line.Send(r.sent); err != nil {
		return nil, err
	}
	return r.await(time.Now().Add(limit))
}

// await is the results of the next answer.
func (r *Reader) await(until time.Time) ([]byte, error) {
	for {
		message, n, err := decode(r.answer[:0], r.line.Rest(), r.format)
		r.line.Take(n)
		switch {
		case err == nil:
			r.answer = message
			return message[1:], refusal(code(message[0]))
		case !errors.Is(err, errCut):
			return nil, fmt.Errorf("%w: %w", rfid.ErrBroken, err)
		}
		if err := r.line.More(until); err != nil {
			return nil, err
		}
	}
}
