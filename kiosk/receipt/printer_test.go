package receipt

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"coldstation/kiosk/flow"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// paper reads what a printer gets, command by command as the package comment has
// them, and is the picture that comes out: rows of bytes, all of one width.
type paper struct {
	in     *bufio.Reader
	width  int
	rows   []byte
	cut    bool
	answer func(question byte)
}

// next carries out one command.
func (p *paper) next() error {
	b, err := p.in.ReadByte()
	if err != nil {
		return err
	}
	args := func(n int) []byte {
		got := make([]byte, n)
		if _, e := io.ReadFull(p.in, got); e != nil {
			err = e
		}
		return got
	}
	switch b {
	case 0: // nothing
	case 0x10:
		if ask := args(2); ask[0] == 4 && p.answer != nil {
			p.answer(ask[1])
		}
	case 0x1B:
		switch c := args(1)[0]; c {
		case '@':
			p.width, p.rows, p.cut = 0, nil, false
		case 'd':
			args(1)
		default:
			return fmt.Errorf("ESC %02X is unknown", c)
		}
	case 0x1D:
		switch c := args(1)[0]; c {
		case 'V':
			args(2)
			p.cut = true
		case 'v':
			head := args(6)
			width, height := int(head[2])|int(head[3])<<8, int(head[4])|int(head[5])<<8
			if head[0] != '0' || p.width != 0 && p.width != width {
				return fmt.Errorf("raster of %d after %d", width, p.width)
			}
			p.width = width
			p.rows = append(p.rows, args(width*height)...)
		default:
			return fmt.Errorf("GS %02X is unknown", c)
		}
	default:
		return fmt.Errorf("%02X is printed as a letter", b)
	}
	return err
}

// TestStream: an independent reader of the commands sees the same picture.
func TestStream(t *testing.T) {
	for _, width := range []int{384, 576} {
		d := draw(words(t)["fi"], two, "", width)
		p := &paper{in: bufio.NewReader(bytes.NewReader(encode(d)))}
		var err error
		for err == nil {
			err = p.next()
		}
		if !errors.Is(err, io.EOF) || !p.cut || p.width*8 != width {
			t.Fatalf("%v, cut %v, %d wide", err, p.cut, p.width*8)
		}
		if !bytes.Equal(p.rows, d.bits) {
			t.Error("another picture comes out")
		}
	}
}

func TestDisarm(t *testing.T) {
	got := disarm([]byte{0x10, 0x04, 0x01, 0x10, 0x10, 0x14, 0x10, 0x05, 0x10, 0x06, 0x10})
	if want := []byte{0x18, 0x04, 0x01, 0x10, 0x18, 0x14, 0x18, 0x05, 0x10, 0x06, 0x10}; !bytes.Equal(got, want) {
		t.Errorf("got % X, want % X", got, want)
	}
}

// TestCondition: the answers as the manual of the Epson TM-U220 has them.
func TestCondition(t *testing.T) {
	for _, test := range []struct {
		printer, offline, paper byte
		want                    error
	}{
		{0x12, 0x12, 0x12, nil},
		{0x16, 0x12, 0x1E, nil}, // the drawer's pin; paper near its end
		{0x1A, 0x32, 0x72, errPaper},
		{0x1A, 0x16, 0x12, errCover},
		{0x1A, 0x52, 0x12, errFailure},
		{0x1A, 0x12, 0x12, errOffline},
	} {
		if got := condition(test.printer, test.offline, test.paper); !errors.Is(got, test.want) || (got == nil) != (test.want == nil) {
			t.Errorf("%02X %02X %02X: got %v, want %v", test.printer, test.offline, test.paper, got, test.want)
		}
	}
	for _, b := range []byte{0x00, 0x0F, 0x13, 0x92, 0x10} {
		if answers(b) {
			t.Errorf("%02X is no answer", b)
		}
	}
}

// bench is a printer at work and what is told of it.
type bench struct {
	*testing.T
	printer *Printer
	address string
	faults  chan string
	stop    func()
}

func newBench(t *testing.T, address string, set func(*pace)) *bench {
	t.Helper()
	b := &bench{T: t, address: address, faults: make(chan string, 16)}
	p, err := New(Options{Words: words(t), Address: address, Baud: 19200, Width: 384,
		Fault: func(name, detail string, raised bool) { b.faults <- fmt.Sprintf("%s %v %s", name, raised, detail) }})
	if err != nil {
		t.Fatal(err)
	}
	b.printer = p
	p.pace = pace{answer: 50 * time.Millisecond, stall: 5 * time.Second, retry: 10 * time.Millisecond, stale: time.Minute, look: 10 * time.Millisecond}
	if set != nil {
		set(&p.pace)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { p.Run(ctx); close(ended) }()
	b.stop = func() { cancel(); <-ended }
	t.Cleanup(b.stop)
	return b
}

func (b *bench) told(want string) {
	b.Helper()
	select {
	case got := <-b.faults:
		if !strings.HasPrefix(got, want) {
			b.Fatalf("got %q, want %q", got, want)
		}
	case <-time.After(10 * time.Second):
		b.Fatalf("nothing is told, want %q", want)
	}
}

// print asks for a receipt of one item.
func (b *bench) print(title string) dots {
	lines := []flow.Line{borrowed(title, byDay)}
	began := time.Now()
	b.printer.Print(flow.Print{Language: "en", Lines: lines})
	if took := time.Since(began); took > 100*time.Millisecond {
		b.Errorf("printing held up the screen for %v", took)
	}
	return draw(b.printer.Words["en"], lines, "", 384)
}

// machine is a simulated printer at the other end of a pseudo-terminal or a
// connection.
type machine struct {
	cable    io.ReadWriter
	receipts chan []byte // the pictures of those that were cut
	gone     chan error

	mu  sync.Mutex // held: it takes nothing
	now [5]byte    // its answers
}

var (
	well     = [5]byte{1: 0x12, 2: 0x12, 4: 0x12}
	paperOut = [5]byte{1: 0x1A, 2: 0x32, 4: 0x72}
	mute     = [5]byte{}
)

func newMachine(cable io.ReadWriter, now [5]byte) *machine {
	m := &machine{cable: cable, receipts: make(chan []byte, 8), gone: make(chan error, 1), now: now}
	p := &paper{in: bufio.NewReaderSize(m, 64), answer: m.answer}
	go func() {
		for {
			if err := p.next(); err != nil {
				m.gone <- err
				return
			}
			if p.cut {
				m.receipts <- p.rows
				p.cut = false
			}
		}
	}()
	return m
}

func (m *machine) Read(b []byte) (int, error) {
	m.mu.Lock()
	m.mu.Unlock() //nolint:staticcheck // a gate that may be shut
	return m.cable.Read(b)
}

func (m *machine) answer(question byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.now[question]; b != 0 {
		m.cable.Write([]byte{b})
	}
}

func (m *machine) become(now [5]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = now
}

func (b *bench) printed(m *machine, want dots) {
	b.Helper()
	select {
	case got := <-m.receipts:
		if !bytes.Equal(got, want.bits) {
			b.Fatalf("%d rows came out, not the receipt of %d", len(got)/want.stride, len(want.bits)/want.stride)
		}
	case err := <-m.gone:
		b.Fatal(err)
	case <-time.After(10 * time.Second):
		b.Fatal("nothing came out")
	}
}

// plug makes a pseudo-terminal the device file at path, as udev does.
func plug(t *testing.T, path string) *os.File {
	t.Helper()
	cable, far, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	// Held open, as the far end of a pseudo-terminal that nobody holds is an error.
	t.Cleanup(func() { far.Close(); cable.Close() })
	if err := control(far, func(fd int) error { return raw(fd, unix.B9600) }); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(far.Name(), path); err != nil {
		t.Fatal(err)
	}
	return cable
}

func TestPrint(t *testing.T) {
	device := filepath.Join(t.TempDir(), "lp0")
	m := newMachine(plug(t, device), well)
	b := newBench(t, device, nil)
	b.told("printer false ")
	for _, title := range []string{"Emma", "Sinuhe"} {
		b.printed(m, b.print(title))
	}
}

// TestMute: a printer that answers nothing is taken to be well.
func TestMute(t *testing.T) {
	device := filepath.Join(t.TempDir(), "lp0")
	m := newMachine(plug(t, device), mute)
	b := newBench(t, device, nil)
	b.told("printer false ")
	b.printed(m, b.print("Emma"))
}

func TestOutOfPaper(t *testing.T) {
	device := filepath.Join(t.TempDir(), "lp0")
	m := newMachine(plug(t, device), paperOut)
	b := newBench(t, device, nil)
	b.told("printer true out of paper")
	want := b.print("Emma")
	m.become(well) // somebody puts a roll in
	b.told("printer false ")
	b.printed(m, want)
}

// TestStall: a printer that stops half way gets the whole receipt again when it
// goes on, and prints it as if nothing had been.
func TestStall(t *testing.T) {
	device := filepath.Join(t.TempDir(), "lp0")
	m := newMachine(plug(t, device), mute)
	b := newBench(t, device, func(p *pace) { p.stall, p.look = 100*time.Millisecond, time.Hour })
	b.told("printer false ")
	m.mu.Lock()
	want := b.print(strings.Repeat("Täällä Pohjantähden alla ", 20)) // more than the cable holds
	b.told("printer true it took nothing for 100ms")
	m.mu.Unlock()
	b.told("printer false ")
	b.printed(m, want)
}

// TestStale: nobody gets the receipt of somebody who has gone.
func TestStale(t *testing.T) {
	device := filepath.Join(t.TempDir(), "lp0")
	m := newMachine(plug(t, device), paperOut)
	b := newBench(t, device, nil)
	b.told("printer true out of paper")
	lines := []flow.Line{borrowed("Emma", byDay)}
	b.printer.queue <- job{flow.Print{Language: "en", Lines: lines}, time.Now().Add(-b.printer.pace.stale)}
	want := b.print("Sinuhe")
	m.become(well)
	b.told("printer false ")
	b.printed(m, want)
}

// TestReplugged: a printer that vanishes and comes back, as another device even,
// prints again.
func TestReplugged(t *testing.T) {
	device := filepath.Join(t.TempDir(), "lp0")
	b := newBench(t, device, nil)
	b.told("printer true open " + device)
	newMachine(plug(t, device), well)
	b.told("printer false ")
	if err := os.Remove(device); err != nil {
		t.Fatal(err)
	}
	b.told("printer true open " + device)
	want := b.print("Emma")
	m := newMachine(plug(t, device), well)
	b.told("printer false ")
	b.printed(m, want)
}

func TestNetwork(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	machines := make(chan *machine, 64)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			m := newMachine(conn, well)
			go func() { m.gone <- <-m.gone; conn.Close() }()
			machines <- m
		}
	}()
	b := newBench(t, "tcp:"+listener.Addr().String(), func(p *pace) { p.look = time.Hour })
	b.told("printer false ")
	<-machines
	want := b.print("Emma")
	b.printed(<-machines, want)
	listener.Close()
	b.print("Emma")
	b.told("printer true ")
}

// TestMany: of too many receipts the newest are printed, and nobody waits.
func TestMany(t *testing.T) {
	b := newBench(t, filepath.Join(t.TempDir(), "none"), func(p *pace) { p.look = time.Hour })
	b.told("printer true ")
	for i := range 100 {
		b.print(fmt.Sprint(i))
	}
	b.stop()
	if n := len(b.printer.queue); n != cap(b.printer.queue) {
		t.Errorf("%d wait", n)
	}
	var last job
	for len(b.printer.queue) > 0 {
		last = <-b.printer.queue
	}
	if got := last.Lines[0].Item.Title; got != "99" {
		t.Errorf("the newest is %s", got)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{Width: 100, Baud: 9600}, {Width: 577, Baud: 9600}, {Width: 576, Baud: 300}, {Width: 576}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
