package rl866

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"coldstation/rfid"
	"coldstation/rfid/rfidtest"
)

func TestRecordedFrames(t *testing.T) {
	for _, x := range rfidtest.Recordings(t, 2) {
		for _, b := range [][]byte{x.Request, x.Answer} {
			if len(b) == 0 {
				continue
			}
			f, n, err := decode(b)
			if err != nil || n != len(b) {
				t.Errorf("%s: got length %d, %v", x.Remark, n, err)
			} else if got := encode(f); !bytes.Equal(got, b) {
				t.Errorf("%s: encoded again: got % X, want % X", x.Remark, got, b)
			}
			for i := range b {
				spoilt := bytes.Clone(b)
				spoilt[i] ^= 0x10
				if _, _, err := decode(spoilt); err == nil {
					t.Errorf("%s: byte %d changed: got no error", x.Remark, i)
				}
				if _, n, err := decode(b[:i]); !errors.Is(err, errCut) || n != 0 {
					t.Errorf("%s: first %d bytes: got %d, %v, want %v", x.Remark, i, n, err, errCut)
				}
			}
		}
	}
}

// resealed is a frame with another sequence number.
func resealed(b []byte, seq byte) []byte {
	f, _, _ := decode(b)
	f.PCB = f.PCB&^sequence | seq
	return encode(f)
}

// The driver's own operations, against what a real reader was asked and
// answered. The recording does not hold whole sessions: here its exchanges are
// put in the order of one.
func TestRecordedOperations(t *testing.T) {
	list, err := rfidtest.Load("testdata/rl866.hex")
	if err != nil {
		t.Fatal(err)
	}
	find := func(remark string) rfidtest.Exchange {
		for _, x := range list {
			if strings.HasPrefix(x.Remark, remark) {
				return x
			}
		}
		t.Fatalf("no exchange %q", remark)
		return rfidtest.Exchange{}
	}
	forget := rfidtest.Exchange{ // all handles
		Request: encode(frame{Node: anyNode, Info: []byte{cmdDisconnect, all}}),
		Answer:  encode(frame{Node: 1, Info: []byte{cmdDisconnect, 0, 0}}),
	}
	sessions := []rfidtest.Exchange{find("resynchronise"), forget}
	seq := byte(sequence)
	for _, name := range []string{"inventory", "connect", "its system", "disconnect", "connect", "read", "disconnect"} {
		x := find(name)
		sessions = append(sessions, rfidtest.Exchange{Request: resealed(x.Request, seq), Answer: resealed(x.Answer, seq)})
		seq ^= sequence
	}
	if what, err := Probe(rfidtest.Play(list[:1])); err != nil || what != "RL866 family, node 01" {
		t.Errorf("probe: got %q, %v", what, err)
	}
	port := rfidtest.Play(sessions)
	r := New(port, Options{})
	tags, err := r.Inventory(nil)
	if err != nil || len(tags) != 3 || tags[0].UID.String() != "E00401003F3827A7" || tags[1].UID.String() != "E00401003F382624" ||
		tags[2].UID.String() != "E00401003F3825A4" {
		t.Fatalf("inventory: got %v, %v", tags, err)
	}
	info, err := r.Info(tags[0].UID)
	if want := (rfid.Info{UID: tags[0].UID, Blocks: 28, BlockSize: 4, ICRef: 1}); err != nil || info != want {
		t.Errorf("information: got %+v, %v, want %+v", info, err, want)
	}
	if got, err := r.ReadBlocks(tags[0].UID, 12, 1, nil); err != nil || string(got) != "678\x00" {
		t.Errorf("block 12: got %q, %v", got, err)
	}
	if port.Left() != 0 {
		t.Errorf("exchanges left: got %d, want 0", port.Left())
	}
}

func TestRequests(t *testing.T) {
	for _, c := range []struct {
		name string
		pcb  byte
		info string
		want string
	}{
		{"resynchronise", resync, "", "FA 05 FF C0 42 39"},
		{"inventory", sequence, "31 00", "FA 07 FF 40 31 00 8A 6C"},
		{"AFI C2 by handle 1", 0, "34 01 03 06 00 C2", "FA 0B FF 00 34 01 03 06 00 C2 CE DF"},
	} {
		if got, want := seal(append(open(nil, c.pcb), rfidtest.Hex(t, c.info)...)), rfidtest.Hex(t, c.want); !bytes.Equal(got, want) {
			t.Errorf("%s: got % X, want % X", c.name, got, want)
		}
	}
}

func TestReports(t *testing.T) {
	const one, two = "0E 01 01 09 A727383F000104E0 00", "0E 01 07 09 2426383F500104E0 00"
	for _, c := range []struct {
		name, data, want string
		broken           bool
	}{
		{"none", "00 0000 00", "", false},
		{"two", "00 0200 02" + one + two, "E00401003F3827A7 E00401503F382624", false},
		{"named twice", "01 0300 03" + one + two + one, "E00401003F3827A7 E00401503F382624", false},
		{"all fields", "00 0100 01 9F 01 01 01 08 A727383F000104E0 1100 AABBCC 02 DDEE", "E00401003F3827A7", false},
		{"a long embedded result", "00 0100 01 88 08 A727383F000104E0 8102" + strings.Repeat("00", 130), "E00401003F3827A7", false},
		{"a card between", "00 0200 02 0E 02 01 05 04A1B2C3D4" + one, "E00401003F3827A7", false},
		{"count too high", "00 0200 02" + one, "E00401003F3827A7", true},
		{"count too low", "00 0100 01" + one + two, "E00401003F3827A7", true},
		{"cut in the number", "00 0100 01 0E 01 01 09 A727383F", "", true},
		{"cut in the memory", "00 0100 01 18 08 A727383F000104E0 2000 AABB", "", true},
		{"endless length", "00 0100 01 88 08 A727383F000104E0 FFFFFFFF", "", true},
		{"reserved field", "00 0100 01 2E 01 01 09 A727383F000104E0 00", "", true},
		{"unknown stop", "02 0000 00", "", true},
		{"cut", "00 00", "", true},
	} {
		tags, _, err := appendReports(nil, rfidtest.Hex(t, c.data))
		var uids []string
		for _, tag := range tags {
			uids = append(uids, tag.uid.String())
		}
		if got := strings.Join(uids, " "); got != c.want || errors.Is(err, rfid.ErrBroken) != c.broken {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestOutcome(t *testing.T) {
	for _, c := range []struct {
		data, want string
		err        error
	}{
		{"03 0600 01", "", nil},
		{"05 0600 01 AABB", "AABB", nil},
		{"05 0600 00 2004", "", rfid.ErrNoTag},
		{"05 0600 00 1B04", "", rfid.ErrLocked},
		{"05 0600 00 1504", "", rfid.ErrBroken},
		{"05 0600 00 7777", "", rfid.ErrRefused},
		{"05 0600 00 0000", "", rfid.ErrBroken},
		{"03 0600 00", "", rfid.ErrBroken},
		{"03 0700 01", "", rfid.ErrBroken},
		{"04 0600 01", "", rfid.ErrBroken},
		{"02 0600", "", rfid.ErrBroken},
		{"", "", rfid.ErrBroken},
	} {
		got, err := outcome(rfidtest.Hex(t, c.data), opAFI)
		if !bytes.Equal(got, rfidtest.Hex(t, c.want)) || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%q: got % X, %v, want %s, %v", c.data, got, err, c.want, c.err)
		}
	}
}

func TestLengths(t *testing.T) {
	for _, c := range []struct {
		data     string
		value, n int
	}{{"00", 0, 1}, {"7F", 127, 1}, {"8100", 128, 2}, {"8105", 133, 2}, {"818000", 16384, 3}, {"81", 0, 0}, {"", 0, 0}, {"FFFFFF7F", 0, 0}} {
		if value, n := ebv(rfidtest.Hex(t, c.data)); value != c.value || n != c.n {
			t.Errorf("%s: got %d, %d, want %d, %d", c.data, value, n, c.value, c.n)
		}
	}
}

func TestInfo(t *testing.T) {
	got, err := parseInfo(rfidtest.Hex(t, "0F A727383F000104E0 3E 07 4F 03 01"))
	if err != nil || got.UID.String() != "E00401003F3827A7" || got.Blocks != 80 || got.BlockSize != 4 || got.DSFID != 0x3E || got.AFI != 7 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := parseInfo(rfidtest.Hex(t, "0B A727383F000104E0 3E 07 00 00 01")); !errors.Is(err, rfid.ErrUnsupported) {
		t.Errorf("no memory: got %v, want %v", err, rfid.ErrUnsupported)
	}
	if _, err := parseInfo(rfidtest.Hex(t, "0F A7")); !errors.Is(err, rfid.ErrBroken) {
		t.Errorf("cut: got %v, want %v", err, rfid.ErrBroken)
	}
}

func TestBlocks(t *testing.T) {
	for _, c := range []struct {
		data        string
		count, size int
	}{
		{"0200 1122334455667788", 2, 4}, {"0100 1122334455667788", 1, 8},
		{"", 0, 0}, {"02", 0, 0}, {"0000", 0, 0}, {"0200", 0, 0}, {"0300 112233445566", 0, 0}, {"0200 112233", 0, 0},
	} {
		out, count, size, err := appendBlocks(nil, rfidtest.Hex(t, c.data), 2)
		if count != c.count || size != c.size || (err == nil) != (c.count > 0) || len(out) != count*size {
			t.Errorf("%q: got % X, %d, %d, %v, want %d blocks of %d", c.data, out, count, size, err, c.count, c.size)
		}
	}
}

// Decode, or refuse; whatever decodes encodes back to the same bytes.
func FuzzDecode(f *testing.F) {
	for _, x := range rfidtest.Recordings(f, 2) {
		f.Add(x.Request)
		f.Add(x.Answer)
		if d, _, err := decode(x.Answer); err == nil && len(d.Info) > 3 {
			f.Add(d.Info[3:])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, n, err := decode(b)
		if err == nil && !bytes.Equal(encode(d), b[:n]) {
			t.Errorf("% X: got % X when encoded again", b[:n], encode(d))
		}
		tags, _, _ := appendReports(nil, b)
		for i, tag := range tags {
			if has(tags[:i], tag.uid) {
				t.Errorf("% X: %s twice", b, tag.uid)
			}
		}
		_, _ = result(b)
		_, _ = outcome(b, opRead)
		_, _ = parseInfo(b)
		if out, count, size, err := appendBlocks(nil, b, 3); err == nil && (len(out) != count*size || count > 3) {
			t.Errorf("% X: got %d bytes in %d blocks of %d", b, len(out), count, size)
		}
	})
}
