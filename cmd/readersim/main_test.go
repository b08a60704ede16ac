package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coldstation/rfid"
	"coldstation/rfid/feig"
	"coldstation/rfid/line"
	"coldstation/rfid/port"
	"coldstation/rfid/sim"
)

var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "readersim")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "readersim")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v: %s", err, out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

const library = `{"cards": [{"name": "anna", "uid": "04A1B2C3D4E5F6"}, {"name": "ella", "uid": "14008EC793"}],
  "items": [{"name": "moomin", "uid": "E004010012345678", "afi": "07", "memory": "11010131", "on": true},
            {"name": "kalevala", "uid": "E004015000000001", "afi": "07", "barcode": "167N01010101"},
            {"name": "annex", "uid": "E004015000000002", "memory": "1101013130303030303030353600000000000098A4444B373138353030"}]}`

// bench is a running readersim.
type bench struct {
	t       *testing.T
	dir     string
	control string
	where   string // first line it printed
}

func tableFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "table.json")
	if err := os.WriteFile(path, []byte(library), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func start(t *testing.T, args ...string) *bench {
	t.Helper()
	dir := t.TempDir()
	b := &bench{t: t, dir: dir, control: filepath.Join(dir, "control")}
	table := tableFile(t)
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "DIR", dir)
	}
	c := exec.Command(program, append([]string{"--table", table, "--control", b.control}, args...)...)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		if err := c.Wait(); err != nil {
			t.Errorf("readersim ended with %v", err)
		}
	})
	lines := bufio.NewScanner(out)
	for range 2 {
		lines.Scan()
		if b.where == "" {
			b.where = lines.Text()
		}
	}
	return b
}

func run(args ...string) (string, error) {
	out, err := exec.Command(program, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = errors.New(strings.TrimSpace(string(exit.Stderr)))
	}
	return string(out), err
}

func (b *bench) ask(verb string, names ...string) string {
	b.t.Helper()
	out, err := run(append([]string{verb, "--control", b.control}, names...)...)
	if err != nil {
		b.t.Errorf("%s %v: %v", verb, names, err)
	}
	return out
}

// sees polls until an inventory names the given number of tags.
func sees(t *testing.T, r rfid.Reader, want int) {
	t.Helper()
	var tags []rfid.Tag
	var err error
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); {
		if tags, err = r.Inventory(tags[:0]); err == nil && len(tags) == want {
			return
		}
	}
	t.Fatalf("inventory: got %v, %v, want %d tags", tags, err, want)
}

func TestTerminal(t *testing.T) {
	b := start(t, "--protocol", "feig", "--link", "DIR/reader")
	link := filepath.Join(b.dir, "reader")
	if out, err := run("probe", link); err != nil || !strings.HasPrefix(out, "feig: ") {
		t.Errorf("probe: got %q, %v", out, err)
	}
	r := feig.New(port.Keep(link, port.Mode{Baud: 38400, Parity: port.Even}), feig.Options{})
	defer r.Close()
	uid, _ := rfid.ParseUID("E004010012345678")
	sees(t, r, 1)
	b.ask("put", "anna", "kalevala")
	sees(t, r, 3)
	if err := r.WriteAFI(uid, rfid.OnLoan); err != nil {
		t.Error(err)
	}
	if out := b.ask("list"); !strings.Contains(out, "moomin  AFI C2") || strings.Count(out, "on pad") != 3 {
		t.Errorf("list: got\n%s", out)
	}
	b.ask("lift", "anna", "moomin")
	sees(t, r, 1)
	b.ask("put", "moomin")
	b.ask("fail", "lift")
	if err := r.WriteAFI(uid, rfid.InLibrary); !errors.Is(err, rfid.ErrNoTag) {
		t.Errorf("lifted in the middle: got %v, want %v", err, rfid.ErrNoTag)
	}
	b.ask("fail", "bad-crc", "no-answer")
	sees(t, r, 1)

	b.ask("unplug")
	if _, err := r.Inventory(nil); !errors.Is(err, rfid.ErrGone) {
		t.Errorf("unplugged: got %v, want %v", err, rfid.ErrGone)
	}
	b.ask("plug")
	start := time.Now()
	sees(t, r, 1)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("plugged in again: back after %v, want within 2 s", took)
	}
	for _, bad := range [][]string{{"put", "nobody"}, {"put"}, {"fail", "flood"}, {"list", "x"}} {
		if _, err := run(append(bad, "--control", b.control)...); err == nil {
			t.Errorf("%v: got no error", bad)
		}
	}
}

// Several run side by side without being told where each is to be controlled.
func TestSideBySide(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	var sockets [3]string
	for i := range sockets {
		c := exec.Command(program, "--table", tableFile(t), "--listen", "127.0.0.1:0")
		out, err := c.StdoutPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = c.Process.Signal(os.Interrupt)
			_ = c.Wait()
		})
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if path, is := strings.CutPrefix(lines.Text(), "control on "); is {
				sockets[i] = path
				break
			}
		}
	}
	for i, path := range sockets {
		if _, err := run("put", "--control", path, []string{"anna", "ella", "kalevala"}[i]); err != nil {
			t.Errorf("%d: put: %v", i, err)
		}
	}
	for i, path := range sockets {
		out, err := run("list", "--control", path)
		if err != nil || strings.Count(out, "on pad") != 2 {
			t.Errorf("%d: list: got\n%s%v, want two on the pad", i, out, err)
		}
	}
	if out, err := run("list"); err != nil || !strings.Contains(out, "on pad  04A1B2C3D4E5F6") { // the first has the usual one
		t.Errorf("without --control: got\n%s%v", out, err)
	}
}

func TestNetwork(t *testing.T) {
	b := start(t, "--listen", "127.0.0.1:0")
	spec := strings.TrimPrefix(b.where, "feig reader on ")
	p, err := port.Open(spec, port.Mode{})
	if err != nil {
		t.Fatal(err)
	}
	r := feig.New(p, feig.Options{Advanced: true})
	defer r.Close()
	sees(t, r, 1)
	// Raw bytes, as another program would send them; the new connection ends the old.
	c, err := net.Dial("tcp", strings.TrimPrefix(spec, "tcp:"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write([]byte{0x05, 0xFF, 0x69, 0x89, 0x01, 0x07, 0xFF, 0xB0, 0x01, 0x00, 0x1C, 0x56})
	got := make([]byte, 6+17)
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	for n := 0; n < len(got); {
		m, err := c.Read(got[n:])
		if err != nil {
			t.Fatalf("after % X: %v", got[:n], err)
		}
		n += m
	}
	want := []byte{6, 0, 0x69, 0}
	if !bytes.HasPrefix(got, want) || !bytes.HasPrefix(got[6:], []byte{17, 0, 0xB0, 0, 1, 3, 0, 0xE0, 4, 1, 0, 0x12, 0x34, 0x56, 0x78}) {
		t.Errorf("got % X", got)
	}
	if _, err := r.Inventory(nil); !errors.Is(err, rfid.ErrGone) {
		t.Errorf("the first connection: got %v, want %v", err, rfid.ErrGone)
	}
}

func TestScanner(t *testing.T) {
	b := start(t, "--protocol", "line", "--set", "aim,crlf", "--link", "DIR/scanner")
	scanner := line.New(port.Keep(filepath.Join(b.dir, "scanner"), port.Mode{Baud: 9600}), line.Options{AIM: true})
	defer scanner.Close()
	scans := make(chan string)
	go func() {
		defer close(scans)
		for {
			text, err := scanner.Scan()
			if errors.Is(err, rfid.ErrClosed) {
				return
			}
			if err == nil {
				scans <- text
			}
		}
	}()
	for _, name := range []string{"kalevala", "kalevala", "anna"} { // the same book twice is two scans
		b.ask("put", name)
		select {
		case got := <-scans:
			if want := map[string]string{"kalevala": "167N01010101", "anna": "04A1B2C3D4E5F6"}[name]; got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: not scanned", name)
		}
	}
	if out := b.ask("list"); strings.Count(out, "on pad") != 1 { // moomin has neither barcode nor label
		t.Errorf("list: got\n%s", out)
	}
}

func TestNumber(t *testing.T) {
	rules := filepath.Join(t.TempDir(), "numbers")
	if err := os.WriteFile(rules, []byte("patron chip [0-9A-F]{8} reversed decimal\nitem line 3\\d{13} check=luhn\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--from", "chip", "A1B2C3D4"}, "    fits: patron 3569595041\n"},
		{[]string{"30234000517861"}, "    fits: item 30234000517861\n"},
		{[]string{"30234000517862"}, "    no: check=luhn: the check digit is 2 and should be 1\nno rule fits: nobody's number\n"},
	} {
		out, err := run(append([]string{"number", "--rules", rules}, c.args...)...)
		if err != nil || !strings.HasSuffix(out, c.want) {
			t.Errorf("%v: got %q, %v, want %q", c.args, out, err, c.want)
		}
	}
}

// An administrator lays a card on the real reader and sees what the rules make of it.
func TestRead(t *testing.T) {
	rules := filepath.Join(t.TempDir(), "numbers")
	if err := os.WriteFile(rules, []byte("patron chip [0-9A-F]{14} decimal\nitem any 1\\d{9}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := start(t, "--protocol", "feig", "--link", "DIR/reader")
	link := filepath.Join(b.dir, "reader")
	b.ask("lift", "moomin")
	if out, err := run("read", link, "--wait", "1s"); err == nil || !strings.Contains(err.Error(), "nothing came: ") {
		t.Errorf("an empty pad: got %q, %v", out, err)
	}
	for name, want := range map[string]string{
		"anna":  "04A1B2C3D4E5F6 ISO14443A\n04A1B2C3D4E5F6, read as chip\nline 1: patron chip [0-9A-F]{14} decimal\n    decimal        1303689068602870\n    fits: patron 1303689068602870\n",
		"annex": "E004015000000002 ISO15693\n" + `{"format":"iso28560-3","item":"1000000056","isil":"DK-718500","parts":1,"part":1,"usage":1,"title":"","crc_ok":true,"note":""}` + "\n1000000056, read as tag\nline 1: patron chip [0-9A-F]{14} decimal\n    no: is for another reader\nline 2: item any 1\\d{9}\n    fits: item 1000000056\n",
	} {
		b.ask("put", name)
		if out, err := run("read", "--rules", rules, link); err != nil || out != want {
			t.Errorf("%s: got %q, %v, want %q", name, out, err, want)
		}
		b.ask("lift", name)
	}
	scanner := start(t, "--protocol", "line", "--link", "DIR/scanner")
	scanner.ask("put", "annex")
	out, err := run("read", filepath.Join(scanner.dir, "scanner"), "--protocol", "line", "--rules", rules)
	if err != nil || !strings.HasSuffix(out, "fits: item 1000000056\n") {
		t.Errorf("scanned: got %q, %v", out, err)
	}
}

func TestTag(t *testing.T) {
	for _, format := range []string{"28560-3", "28560-3-short", "28560-2"} {
		mem, err := run("tag", "--encode", "--item", "167N01010101", "--isil", "FI-He", "--part", "2/3", "--format", format)
		if err != nil {
			t.Error(err)
			continue
		}
		out, err := run("tag", "--hex", strings.TrimSpace(mem))
		var d struct {
			Item, ISIL  string
			Part, Parts int
		}
		if err != nil || json.Unmarshal([]byte(out), &d) != nil || d.Item != "167N01010101" || d.ISIL != "FI-He" || d.Part != 2 || d.Parts != 3 {
			t.Errorf("%s: got %s, %v", format, out, err)
		}
	}
}

// A reader set up in each way it knows still answers, and is heard to be set up.
func TestSet(t *testing.T) {
	b := start(t, "--protocol", "3m", "--set", "twice", "--listen", "127.0.0.1:0")
	c, err := net.Dial("tcp", strings.TrimPrefix(b.where, "3m reader on tcp:"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write([]byte{0xD6, 0x00, 0x05, 0xFE, 0x00, 0x05, 0xFA, 0x40})
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	head := make([]byte, 8)
	if _, err := io.ReadFull(c, head); err != nil || !bytes.Equal(head, []byte{0xD6, 0, 7 + 2*8, 0xFE, 0, 0, 5, 2}) {
		t.Errorf("inventory: got % X, %v, want the one tag twice", head, err)
	}
	start(t, "--protocol", "rl866", "--set", "strict,polite", "--listen", "127.0.0.1:0")
}

// Whatever a tag holds, it is one line of JSON, however the hexadecimal is written.
func TestTagOfAnything(t *testing.T) {
	annex := "11010131303030303030303536000000000000 98A4 444B37313835303000000000000000"
	known := `"item":"1000000056","isil":"DK-718500","parts":1,"part":1,"usage":1,"title":"","crc_ok":true,"note":""}` + "\n"
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--hex", annex}, known}, {[]string{"--hex", "0x" + strings.ToLower(annex), "--dsfid", "0x3e"}, known},
		{[]string{"--hex", " 11-01:01,3130\t303030\r\n303030353600000000000098A4444B37313835303000000000000000"}, known},
		{[]string{"--hex", ""}, `"crc_ok":null,"note":"too little memory to tell what is on the tag"}` + "\n"},
		{[]string{"--hex", "FF"}, `"crc_ok":null,"note":"too little memory to tell what is on the tag"}` + "\n"},
		{[]string{"--hex", strings.Repeat("FF", 9000)}, `"crc_ok":null,"note":"more memory than any tag has"}` + "\n"},
	} {
		out, err := run(append([]string{"tag"}, c.args...)...)
		if err != nil || !strings.HasPrefix(out, `{"format":"`) || !strings.HasSuffix(out, c.want) {
			t.Errorf("%.60q: got %q, %v, want %q", c.args, out, err, c.want)
		}
	}
	for _, part := range []string{"1", "1/2x", "/", "2/1", "one/two"} {
		if out, err := run("tag", "--encode", "--item", "1", "--part", part); err == nil {
			t.Errorf("part %q: got %q", part, out)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, args := range [][]string{
		{"dance"}, {"--table", "/nowhere", "--link", "x"}, {"--table", "x"}, {"read"}, {"read", "/dev/nosuchport"}, {"tag"}, {"tag", "--hex", "1"}, {"tag", "--hex", "00", "--encode"}, {"probe"}, {"probe", "/dev/nosuchport"},
		{"number", "1"}, {"number", "--rules", "/nowhere", "1"}, {"--set", "binary", "--table", tableFile(t), "--link", "x"},
		{"list", "--control", "/nowhere/socket"}, {"tag", "--encode"}, {"--flight"},
	} {
		if out, err := run(args...); err == nil || !strings.HasPrefix(err.Error(), "readersim: ") {
			t.Errorf("%v: got %q, %v", args, out, err)
		}
	}
	for _, args := range [][]string{{"--help"}, {"help"}, {"put", "--help"}, {"tag", "-h"}, {"probe", "--help"}, {"--protocol", "feig", "--help"}} {
		if out, err := run(args...); err != nil || !strings.Contains(out, "readersim put NAME") {
			t.Errorf("%v: got %q, %v", args, out, err)
		}
	}
	help, _ := run("--help")
	for _, f := range sim.Faults {
		if !strings.Contains(help, string(f)) {
			t.Errorf("--help: does not tell of the fault %s", f)
		}
	}
}

// A refusal says what would have been right.
func TestAdvice(t *testing.T) {
	nobody := filepath.Join(t.TempDir(), "control")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"fail", "--control", nobody}, "fail KIND…: how? there are no-request, no-answer, late, split, noise, bad-crc, bad-length, unsolicited, reset, hang, lift, move"},
		{[]string{"put", "--control", nobody}, "put NAME…: what? readersim list has the names"},
		{[]string{"unplug", "--control", nobody, "now"}, `unplug: "now": not expected`},
		{[]string{"list", "--control", nobody}, "no readersim answers on " + nobody + "; start one, or say with --control where it is: dial unix " + nobody + ": connect: no such file or directory"},
		{[]string{"--flight"}, "flag provided but not defined: -flight; try readersim --help"},
		{[]string{"tag", "--encode"}, "tag: --encode needs --item ID; try readersim --help"},
		{[]string{"tag", "--hex", "11", "01"}, `tag: "01": not expected; hexadecimal with spaces wants quotes`},
		{[]string{"tag", "--hex", "1"}, "tag: --hex: odd length hex string"},
		{[]string{"--table", tableFile(t), "--link", "x", "--protocol", "x"}, `simulate "x": no such protocol; there are 3m, em4100, feig, id12, line, pn532, rl866, twn4`},
		{[]string{"--table", tableFile(t), "--link", "x", "--protocol", "twn4", "--set", "x"}, `set up "x": no such choice; there are binary, crc, from-one`},
		{[]string{"--table", tableFile(t), "--link", "x", "--rate", "2"}, "--rate 2: want a share from 0 to 1"},
	} {
		if out, err := run(c.args...); err == nil || err.Error() != "readersim: "+c.want {
			t.Errorf("%v: got %q, %v, want %s", c.args, out, err, c.want)
		}
	}
	b := start(t, "--protocol", "em4100", "--link", "DIR/reader")
	_, err := run("fail", "--control", b.control, "flood")
	if want := `readersim: no fault is called "flood"; there are no-request, `; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("fail flood: got %v, want %s…", err, want)
	}
	_, err = run("probe", filepath.Join(b.dir, "reader"))
	if want := "A reader that only speaks (em4100) is heard while a card lies on it"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("probe of a reader that is silent: got %v, want %s…", err, want)
	}
}
