package port

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"go.bug.st/serial"
	"golang.org/x/sys/unix"

	"coldstation/rfid"
)

// terminal is a pseudo-terminal: the end a reader would hold, and the name of
// the other.
func terminal(t testing.TB) (master *os.File, path string) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	slave.Close()
	t.Cleanup(func() { master.Close() })
	return master, slave.Name()
}

func mustOpen(t testing.TB, spec string) rfid.Port {
	t.Helper()
	p, err := Open(spec, Mode{Baud: 38400, Parity: Even})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// settle waits until no more goroutines run than before.
func settle(t testing.TB, before int) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if runtime.NumGoroutine() <= before {
			return
		}
		if time.Now().After(end) {
			buf := make([]byte, 1<<16)
			t.Fatalf("goroutines: got %d, want %d\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
}

func TestEightBitsBothWays(t *testing.T) {
	master, path := terminal(t)
	p := mustOpen(t, path)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, way := range []struct {
		name string
		to   io.Writer
		from io.Reader
	}{{"out", p, master}, {"in", master, p}} {
		got := make([]byte, 256)
		if _, err := way.to.Write(all); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(way.from, got); err != nil || !bytes.Equal(got, all) {
			t.Errorf("%s: got % X, %v", way.name, got, err)
		}
	}
}

func TestModes(t *testing.T) {
	for _, c := range []struct {
		mode Mode
		want serial.Mode
		text string
	}{
		{Mode{Baud: 38400, Parity: Even}, serial.Mode{BaudRate: 38400, DataBits: 8, Parity: serial.EvenParity, StopBits: serial.OneStopBit}, "38400 8E1"},
		{Mode{Baud: 57600, Stop: 2}, serial.Mode{BaudRate: 57600, DataBits: 8, Parity: serial.NoParity, StopBits: serial.TwoStopBits}, "57600 8N2"},
		{Mode{Parity: Odd}, serial.Mode{BaudRate: 9600, DataBits: 8, Parity: serial.OddParity, StopBits: serial.OneStopBit}, "9600 8O1"},
	} {
		if got := *settings(c.mode); got != c.want {
			t.Errorf("%v: got %+v, want %+v", c.mode, got, c.want)
		}
		if c.mode.Baud > 0 && c.mode.String() != c.text {
			t.Errorf("got %s, want %s", c.mode, c.text)
		}
	}
}

// The serial library returns 0 bytes and no error, on which io.ReadFull spins.
func TestTimeoutIsAnError(t *testing.T) {
	_, path := terminal(t)
	p := mustOpen(t, path)
	_ = p.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := io.ReadFull(p, make([]byte, 4)); !errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(rfid.PortError(err), rfid.ErrTimeout) {
		t.Errorf("got %v, want %v", err, os.ErrDeadlineExceeded)
	}
}

// In the serial library, setting the limit while reading is a data race.
func TestDeadlineMovesWhileReading(t *testing.T) {
	master, path := terminal(t)
	p := mustOpen(t, path)
	failed := make(chan error)
	go func() { _, err := p.Read(make([]byte, 1)); failed <- err }()
	for range 100 {
		_ = p.SetReadDeadline(time.Now().Add(time.Hour))
	}
	_ = p.SetReadDeadline(time.Now())
	if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want %v", err, os.ErrDeadlineExceeded)
	}
	_ = p.SetReadDeadline(time.Time{})
	_, _ = master.Write([]byte{7})
	if n, err := p.Read(make([]byte, 9)); n != 1 || err != nil {
		t.Errorf("afterwards: got %d, %v", n, err)
	}
}

// A write to a line that takes nothing waits for ever in the serial library, and
// Close does not end it.
func TestStuckWrite(t *testing.T) {
	before := runtime.NumGoroutine()
	_, path := terminal(t)
	p, err := open(path, Mode{})
	if err != nil {
		t.Fatal(err)
	}
	p.limit = 100 * time.Millisecond
	if _, err := p.Write(make([]byte, 1<<20)); !errors.Is(err, rfid.ErrGone) {
		t.Errorf("nobody reads: got %v, want %v", err, rfid.ErrGone)
	}
	if _, err := p.Write([]byte{1}); !errors.Is(err, rfid.ErrGone) {
		t.Errorf("afterwards: got %v, want %v", err, rfid.ErrGone)
	}
	p.Close()
	settle(t, before)
}

func TestCloseReleasesAStuckWrite(t *testing.T) {
	before := runtime.NumGoroutine()
	_, path := terminal(t)
	p, err := open(path, Mode{})
	if err != nil {
		t.Fatal(err)
	}
	p.limit = time.Hour
	failed := make(chan error)
	go func() { _, err := p.Write(make([]byte, 1<<20)); failed <- err }()
	for busy := false; !busy; { // until the write has begun
		busy = !p.writing.TryLock()
		if !busy {
			p.writing.Unlock()
			runtime.Gosched()
		}
	}
	p.Close()
	if err := <-failed; !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v, want %v", err, os.ErrClosed)
	}
	settle(t, before)
}

// The serial library tells an unplugged port like one closed by ourselves.
func TestHangupAndOwnClose(t *testing.T) {
	before := runtime.NumGoroutine()
	master, path := terminal(t)
	p := mustOpen(t, path)
	master.Close()
	if _, err := p.Read(make([]byte, 1)); !errors.Is(err, rfid.ErrGone) || errors.Is(err, os.ErrClosed) {
		t.Errorf("read, unplugged: got %v, want %v", err, rfid.ErrGone)
	}
	if _, err := p.Write([]byte{1}); !errors.Is(err, rfid.ErrGone) {
		t.Errorf("write, unplugged: got %v, want %v", err, rfid.ErrGone)
	}
	p.Close()

	_, path = terminal(t)
	p = mustOpen(t, path)
	failed := make(chan error)
	go func() { _, err := p.Read(make([]byte, 1)); failed <- err }()
	p.Close()
	if err := <-failed; !errors.Is(err, os.ErrClosed) {
		t.Errorf("read, closed: got %v, want %v", err, os.ErrClosed)
	}
	if _, err := p.Write([]byte{1}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write, closed: got %v, want %v", err, os.ErrClosed)
	}
	if err := p.Close(); err != nil {
		t.Errorf("second close: got %v", err)
	}
	settle(t, before)
}

// Reading from a descriptor above 1023 panics in the serial library.
func TestManyFiles(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 1100 {
		t.Fatalf("open file limit: got %d, %v", limit.Cur, err)
	}
	_, path := terminal(t)
	for { // take every descriptor that would do
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		if f.Fd() > lastFD {
			break
		}
	}
	if p, err := Open(path, Mode{}); err == nil {
		_, err = p.Read(make([]byte, 1))
		t.Errorf("got a port (%v), want an error", err)
	} else if !strings.Contains(err.Error(), "descriptor") {
		t.Errorf("got %v", err)
	}
}

type panics struct{ io.ReadWriteCloser }

func (panics) Read([]byte) (int, error) { var set [16]int64; n := 20; return int(set[n%32]), nil }
func (panics) Close() error             { return nil }

func TestPanicIsAnError(t *testing.T) {
	s := newStream("line", panics{}, func() {})
	defer s.Close()
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, rfid.ErrGone) || !strings.Contains(err.Error(), "1023") {
		t.Errorf("got %v", err)
	}
}

// Root may open a port twice as far as the terminal is concerned.
func TestOpenTwice(t *testing.T) {
	_, path := terminal(t)
	p := mustOpen(t, path)
	link := filepath.Join(t.TempDir(), "reader")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, link} {
		if _, err := Open(name, Mode{}); !errors.Is(err, ErrBusy) {
			t.Errorf("%s: got %v, want %v", name, err, ErrBusy)
		}
	}
	p.Close()
	mustOpen(t, path)
}

func TestNothingThere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	_ = os.WriteFile(file, nil, 0o600)
	for spec, want := range map[string]error{
		"/dev/nosuchport": rfid.ErrGone, "usb:FFFF:FFFF": rfid.ErrGone, "tcp:127.0.0.1:1": rfid.ErrGone, "usb:1": nil, "": nil, file: nil,
	} {
		p, err := Open(spec, Mode{})
		if err == nil || p != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%q: got %v, %v, want %v", spec, p, err, want)
		}
	}
}

// eventually polls what another program or the kernel does.
func eventually(t testing.TB, what string, within time.Duration, f func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatalf("%s within %v: %v", what, within, err)
}

// pluggable is a device under a link, as udev makes them: each plug gives it
// another terminal.
func plug(t *testing.T, link string) *os.File {
	t.Helper()
	master, path := terminal(t)
	_ = os.Remove(link)
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	return master
}

func TestKeepComesBack(t *testing.T) {
	before := runtime.NumGoroutine()
	link := filepath.Join(t.TempDir(), "reader")
	k := Keep(link, Mode{Baud: 38400, Parity: Even})
	if _, err := k.Write([]byte{1}); !errors.Is(err, rfid.ErrGone) {
		t.Errorf("write before it is plugged in: got %v, want %v", err, rfid.ErrGone)
	}
	_ = k.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := k.Read(make([]byte, 1)); !errors.Is(err, rfid.ErrGone) {
		t.Errorf("read before it is plugged in: got %v, want %v", err, rfid.ErrGone)
	}
	for round := range 3 {
		master := plug(t, link)
		eventually(t, "plugged in", 2*time.Second, k.Connected)
		if _, err := k.Write([]byte{byte(round)}); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 1)
		if _, err := master.Read(buf); err != nil || buf[0] != byte(round) {
			t.Errorf("round %d: got % X, %v", round, buf, err)
		}
		_, _ = master.Write([]byte{0x55})
		_ = k.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := k.Read(buf); err != nil || buf[0] != 0x55 {
			t.Errorf("round %d: got % X, %v", round, buf, err)
		}
		// A read that waits when the plug is pulled learns of it.
		_ = k.SetReadDeadline(time.Now().Add(2 * time.Second))
		failed := make(chan error)
		go func() { _, err := k.Read(buf); failed <- err }()
		os.Remove(link)
		master.Close()
		if err := <-failed; !errors.Is(err, rfid.ErrGone) {
			t.Errorf("unplugged: got %v, want %v", err, rfid.ErrGone)
		}
	}
	k.Close()
	if _, err := k.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: got %v, want %v", err, os.ErrClosed)
	}
	settle(t, before)
}

func TestKeepOverTCP(t *testing.T) {
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listen.Close()
	k := Keep("tcp:"+listen.Addr().String(), Mode{})
	defer k.Close()
	for range 2 {
		c, err := listen.Accept()
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "connected", 2*time.Second, k.Connected)
		if _, err := k.Write([]byte("hello")); err != nil {
			t.Error(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
			t.Errorf("got %q, %v", got, err)
		}
		c.Close()
		_ = k.SetReadDeadline(time.Time{})
		if _, err := k.Read(got); !errors.Is(err, rfid.ErrGone) {
			t.Errorf("hung up: got %v, want %v", err, rfid.ErrGone)
		}
	}
}

// A stuck line is opened anew.
func TestKeepLeavesAStuckLine(t *testing.T) {
	_, path := terminal(t)
	opened := 0
	k := keep("line", func() (*stream, error) {
		opened++
		s, err := openSerial(path, Mode{})
		if err == nil {
			s.limit = 50 * time.Millisecond
		}
		return s, err
	})
	eventually(t, "open", time.Second, k.Connected)
	if _, err := k.Write(make([]byte, 1<<20)); !errors.Is(err, rfid.ErrGone) {
		t.Errorf("got %v, want %v", err, rfid.ErrGone)
	}
	eventually(t, "open again", 2*time.Second, func() error {
		if _, err := k.Write([]byte{1}); err != nil {
			return err
		}
		return nil
	})
	k.Close()
	if opened < 2 {
		t.Errorf("opened: got %d times, want 2", opened)
	}
}

func TestFindUSB(t *testing.T) {
	sys := t.TempDir()
	add := func(tty, usb, vendor, product, serial string) {
		dir := filepath.Join(sys, "devices/pci/usb1", usb)
		port := filepath.Join(dir, usb+":1.0", tty)
		class := filepath.Join(sys, "class/tty", tty)
		for _, d := range []string{port, class} {
			if err := os.MkdirAll(d, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range map[string]string{"idVendor": vendor, "idProduct": product, "serial": serial} {
			if text != "" {
				_ = os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600)
			}
		}
		if err := os.Symlink(port, filepath.Join(class, "device")); err != nil {
			t.Fatal(err)
		}
	}
	add("ttyUSB0", "1-1", "0403", "6001", "A5XK3")
	add("ttyUSB1", "1-2", "0403", "6001", "B7")
	add("ttyACM0", "1-3", "09d8", "0420", "")
	add("ttyS0", "none", "", "", "")
	_ = os.MkdirAll(filepath.Join(sys, "class/tty/ttyUSB9"), 0o700)
	_ = os.Symlink("/nowhere", filepath.Join(sys, "class/tty/ttyUSB9/device")) // unplugged just now
	for id, want := range map[string]string{
		"0403:6001": "/dev/ttyUSB0", "0403:6001:b7": "/dev/ttyUSB1", "09D8:0420": "/dev/ttyACM0",
		"0403:6001:C9": "", "1234:5678": "", "0403": "", "09D8:0420:X": "",
	} {
		if got, err := findUSB(sys, id); got != want || (err != nil) != (want == "") {
			t.Errorf("%s: got %q, %v, want %q", id, got, err, want)
		}
	}
}

// Nobody reads what the far end pours out: it must not grow without end.
func TestUnreadIsBounded(t *testing.T) {
	near, far := net.Pipe()
	s := newStream("line", near, func() {})
	defer s.Close()
	_ = far.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	n, err := far.Write(make([]byte, 1<<20))
	if err == nil || n > mostUnread+3*4096 {
		t.Errorf("taken unread: got %d bytes, %v", n, err)
	}
	got, want := 0, n
	buf := make([]byte, 1000)
	for got < want {
		m, err := s.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got += m
	}
}
