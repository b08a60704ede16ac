package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coldstation/assets"
	"coldstation/cmd/internal/stage"
	"coldstation/kiosk"
	"coldstation/rfid"
	"coldstation/rfid/drivers"
	"coldstation/rfid/sim"
	"coldstation/sync/identity"
)

// TestAttach: a reader whose protocol is not said is found by asking, whichever it
// is, and sees what lies on it.
func TestAttach(t *testing.T) {
	lies := map[string]string{"em4100": "keyring", "pn532": "helmi", "twn4": "helmi"}
	for _, driver := range drivers.All {
		t.Run(driver.Name, func(t *testing.T) {
			t.Parallel()
			name := lies[driver.Name]
			if name == "" {
				name = "sinuhe"
			}
			chip, addr := simulate(t, driver.Name, name)
			a := &assembly{settings: settings{readers: []attached{{"tcp:" + addr, "auto", false}}}}
			var parts kiosk.Parts
			if err := a.attach(&parts); err != nil || len(parts.Sought) != 1 || len(parts.Readers) != 0 {
				t.Fatalf("attached %+v, %v", parts, err)
			}
			reader, err := parts.Sought[0].Find()
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err = stage.Until(ctx, "the chip", func() error {
				tags, err := reader.Inventory(nil)
				if err == nil && (len(tags) != 1 || tags[0].UID != chip.UID) {
					err = fmt.Errorf("%T sees %v, want %s", reader, tags, chip.UID)
				}
				return err
			})
			if err := errors.Join(err, a.detach()); err != nil {
				t.Fatal(err)
			}
			if _, err := reader.Inventory(nil); !errors.Is(err, rfid.ErrClosed) {
				t.Errorf("a detached reader answers %v", err)
			}
		})
	}
}

// simulate serves a reader with one chip on it.
func simulate(t *testing.T, protocol, name string) (sim.Chip, string) {
	t.Helper()
	file, err := assets.Demo.Open("demo/table.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table, err := sim.ReadTable(file)
	if err != nil {
		t.Fatal(err)
	}
	keyring := rfid.Tag{UID: rfid.MakeUID([]byte{0x62, 0xE3, 0x08, 0x6C, 0xED}), Kind: rfid.EM4100}
	if err := table.Add(sim.Chip{Name: "keyring", Tag: keyring}); err != nil {
		t.Fatal(err)
	}
	if err := table.Put(name); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			line, err := sim.NewLine(protocol, table)
			if err != nil {
				return
			}
			line.Serve(conn)
			conn.Close()
		}
	}()
	for _, chip := range table.Chips() {
		if chip.On {
			return chip, listener.Addr().String()
		}
	}
	t.Fatalf("no %s on the table", name)
	return sim.Chip{}, ""
}

// enrolledFile is an identity for --identity.
func enrolledFile(t *testing.T) string {
	t.Helper()
	library, err := identity.NewLibrary()
	if err != nil {
		t.Fatal(err)
	}
	station, _, err := library.Enrol("maple-house", "mqtt://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	who := filepath.Join(t.TempDir(), "station.json")
	if err := station.Save(who); err != nil {
		t.Fatal(err)
	}
	return who
}

// TestSettings: what cannot be is refused, and said.
func TestSettings(t *testing.T) {
	who := enrolledFile(t)
	rules := filepath.Join(t.TempDir(), "numbers")
	if err := os.WriteFile(rules, []byte("item tag \\d+\nitem line (\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cards := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(cards, []byte("A:A0A1A2A3A4A5\nB:12\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(args ...string) []string {
		return append([]string{"--identity", who, "--data", t.TempDir(), "--scanner", "/dev/null"}, args...)
	}
	for says, args := range map[string][]string{
		"nothing to see books with":  {"--identity", who, "--data", t.TempDir()},
		"who this station is":        {"--data", t.TempDir(), "--scanner", "/dev/null"},
		"--security: \"AFI\"":        with("--security", "AFI"),
		"--afi-on-loan":              with("--afi-on-loan", "1FF"),
		"AFI 07 cannot mean both":    with("--afi-on-loan", "07"),
		"--numbers: rules, line 2":   with("--numbers", rules),
		"--window 10x10":             with("--window", "10x10"),
		"\"more\"":                   with("more"),
		"--broker-qos 2":             with("--broker-qos", "2"),
		"--scanner-adds: \"lf\"":     with("--scanner-adds", "aim,lf"),
		"--card-keys: key 2":         with("--card-keys", cards),
		"--speech-names: \"loud\"":   with("--speech-names", "loud"),
		"--printer: 577 dots":        with("--printer", "/dev/usb/lp0", "--printer-width", "577"),
		"a station needs a language": with("--languages", ","),
	} {
		if _, err := parse(args); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %s in it", err, says)
		}
	}
	s, err := parse(with("--security", "both", "--afi-in-library", "D7", "--afi-on-loan", "DA", "--reader", "tcp:x:1"))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.station; got.Gate != kiosk.AnyGate || got.Secured != 0xD7 || got.Unsecured != 0xDA || len(s.readers) != 1 || s.readers[0].protocol != "auto" {
		t.Errorf("got %+v", s)
	}
}

// TestClosings: one last sentence for all languages, or one for each.
func TestClosings(t *testing.T) {
	languages := []string{"fi", "sv", "fi-simple"}
	for text, want := range map[string]map[string]string{
		"":                                     nil,
		"Kahvia 1+1=2":                         {"fi": "Kahvia 1+1=2", "sv": "Kahvia 1+1=2", "fi-simple": "Kahvia 1+1=2"},
		"fi=Tule taas":                         {"fi": "Tule taas"},
		"fi-simple=Tervetuloa | sv= Välkommen": {"fi-simple": "Tervetuloa", "sv": "Välkommen"},
	} {
		if got, err := closings(text, languages); err != nil || !maps.Equal(got, want) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	if got, err := closings("fi=Tule taas|en=Come again", languages); err == nil {
		t.Errorf("a language that the station has not: got %v", got)
	}
}
