package main_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"coldstation/rfid/crc16"
)

// attach opens a terminal as a program does that sets nothing up.
func attach(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// hear reads as many bytes, or what comes within five seconds.
func hear(f *os.File, n int) []byte {
	got := make([]byte, n)
	_ = f.SetReadDeadline(time.Now().Add(5 * time.Second))
	for at := 0; at < n; {
		m, err := f.Read(got[at:])
		if at += m; err != nil {
			return got[:at]
		}
	}
	return got
}

// waiting is how many bytes a program has not read.
func waiting(t *testing.T, f *os.File) (n int) {
	t.Helper()
	conn, err := f.SyscallConn()
	if err == nil {
		_ = conn.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// eventually polls until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within five seconds", what)
		}
	}
}

// feigFrame is a request in a standard frame.
func feigFrame(data ...byte) []byte {
	b := append([]byte{byte(len(data) + 4), 0xFF}, data...)
	return binary.LittleEndian.AppendUint16(b, crc16.MCRF4XX(b))
}

// Every byte passes as it is, both ways, for a program that does not know that
// this is a terminal.
func TestTerminalIsRaw(t *testing.T) {
	b := start(t, "--protocol", "feig", "--link", "DIR/reader")
	f := attach(t, filepath.Join(b.dir, "reader"))
	uid := []byte{0xE0, 0x04, 0x01, 0x00, 0x12, 0x34, 0x56, 0x78}
	for first := 0; first < 256; first += 64 {
		data := make([]byte, 64)
		for i := range data {
			data[i] = byte(first + i)
		}
		write := append(append([]byte{0xB0, 0x24, 0x01}, uid...), 4, 16, 4)
		_, _ = f.Write(feigFrame(append(write, data...)...))
		if got := hear(f, 6); !bytes.Equal(got[:min(4, len(got))], []byte{6, 0, 0xB0, 0}) {
			t.Fatalf("write of %02X…: got % X", first, got)
		}
		read := append(append([]byte{0xB0, 0x23, 0x01}, uid...), 4, 16)
		_, _ = f.Write(feigFrame(read...))
		got := hear(f, 6+2+16*5)
		if len(got) < 8+16*5-2 {
			t.Fatalf("read of %02X…: got % X", first, got)
		}
		var held []byte
		for row := got[6 : 6+16*5]; len(row) > 0; row = row[5:] {
			held = append(held, row[1:5]...)
		}
		if !bytes.Equal(held, data) {
			t.Errorf("read of %02X…: got % X, want % X", first, held, data)
		}
	}
}

// What a reader says while nobody listens is heard by nobody, as on a serial port.
func TestHostsComeAndGo(t *testing.T) {
	b := start(t, "--protocol", "em4100", "--link", "DIR/reader")
	link := filepath.Join(b.dir, "reader")
	const frame = "\x0214008EC793CE\x03"
	b.ask("put", "ella")
	f := attach(t, link)
	if got := string(hear(f, len(frame))); got != frame {
		t.Errorf("opened after the start: got %q, want %q", got, frame)
	}
	eventually(t, "more frames", func() bool { return waiting(t, f) >= 3*len(frame) })
	b.ask("lift", "ella")
	f.Close()
	eventually(t, "what nobody read is gone", func() bool {
		again := attach(t, link)
		defer again.Close()
		return waiting(t, again) == 0
	})
	b.ask("put", "ella")
	f = attach(t, link)
	if got := string(hear(f, len(frame))); got != frame {
		t.Errorf("opened again: got %q, want %q", got, frame)
	}
	b.ask("lift", "ella")

	// Pulled out, it ends for who has it open; plugged in, it has another number.
	old, err := os.Readlink(link)
	if err != nil {
		t.Fatal(err)
	}
	b.ask("unplug")
	if _, err := os.Lstat(link); err == nil {
		t.Error("unplugged: the link is still there")
	}
	eventually(t, "the end", func() bool { _, err := f.Write([]byte{0}); return err != nil })
	where := strings.TrimSpace(b.ask("plug"))
	now, err := os.Readlink(link)
	if err != nil || now == old || where != link+" ("+now+")" { // the old one is still open here
		t.Errorf("plugged in: got %q and %q, %v, after %q", where, now, err, old)
	}
	f = attach(t, link)
	b.ask("put", "ella")
	if got := string(hear(f, len(frame))); got != frame {
		t.Errorf("plugged in: got %q, want %q", got, frame)
	}
}

// A program may leave a request behind and go.
func TestHostLeavesAtOnce(t *testing.T) {
	b := start(t, "--protocol", "feig", "--link", "DIR/reader")
	f := attach(t, filepath.Join(b.dir, "reader"))
	_, _ = f.Write(feigFrame(0xB0, 0x27, 0x01, 0xE0, 0x04, 0x01, 0x00, 0x12, 0x34, 0x56, 0x78, 0xC2))
	f.Close()
	eventually(t, "the write", func() bool { return strings.Contains(b.ask("list"), "moomin  AFI C2") })
}

// A host that asks and never listens does not hold the reader up for the next.
func TestHostThatDoesNotListen(t *testing.T) {
	b := start(t, "--protocol", "feig", "--link", "DIR/reader")
	link := filepath.Join(b.dir, "reader")
	f := attach(t, link)
	read := feigFrame(0xB0, 0x23, 0x01, 0xE0, 0x04, 0x01, 0x00, 0x12, 0x34, 0x56, 0x78, 0, 25)
	for range 40 { // answers of 133 bytes each, more than a terminal holds
		_, _ = f.Write(read)
	}
	eventually(t, "a full terminal", func() bool { return waiting(t, f) > 3500 })
	f.Close()
	eventually(t, "an empty one", func() bool {
		again := attach(t, link)
		defer again.Close()
		return waiting(t, again) == 0
	})
	f = attach(t, link)
	eventually(t, "the answer to one question and no other", func() bool {
		_, _ = f.Write([]byte{0x06, 0xFF, 0x52, 0x00, 0x0F, 0x6E})
		return bytes.Equal(hear(f, 6), []byte{0x06, 0x00, 0x52, 0x00, 0xFC, 0xA8})
	})
}
