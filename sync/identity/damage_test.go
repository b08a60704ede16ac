package identity

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestDamaged flips each bit of each file and cuts it off after each byte: whoever reads
// it is told, or has what was written. A station's broker may be changed by hand, and
// the 32 bytes under which it hides patrons are known by its ledger.
func TestDamaged(t *testing.T) {
	folder := t.TempDir()
	library, err := LoadLibrary(filepath.Join(folder, "library.json"))
	if err != nil {
		t.Fatal(err)
	}
	authority, err := LoadAuthority(folder, start)
	if err != nil {
		t.Fatal(err)
	}
	station, _, err := library.Enrol("maple-house", "mqtts://hub.library.example:8883")
	if err != nil {
		t.Fatal(err)
	}
	station.Authority = authority.Certificate().Raw
	if err := station.Save(filepath.Join(folder, "station.json")); err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.Station(station.Station, station.SigningKey().Public().(ed25519.PublicKey), start)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := station.NewPass(filepath.Join(folder, "station.crt"), certificate.Raw); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadStationKey(filepath.Join(folder, "station.key")); err != nil {
		t.Fatal(err)
	}
	// What each reads, but for what a person may change.
	readers := map[string]func(path string) (any, error){
		"library.json": func(path string) (any, error) {
			l, err := load[Library](path)
			l.Version = 0
			return l, err
		},
		"station.json": func(path string) (any, error) {
			s, err := LoadStation(path)
			s.Broker, s.Version = "", 0
			return s, err
		},
		"station.crt": func(path string) (any, error) {
			p, err := station.LoadPass(path)
			if err != nil {
				return nil, err
			}
			return p.cert.Raw, nil
		},
		"station.key": func(path string) (any, error) {
			key, err := LoadStationKey(path)
			return len(key), err
		},
	}
	for _, name := range []string{"authority.key", "authority.crt"} {
		readers[name] = func(path string) (any, error) {
			a, err := LoadAuthority(filepath.Dir(path), start)
			if err != nil {
				return nil, err
			}
			return a.cert.Raw, nil
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for name, read := range readers {
		path := filepath.Join(folder, name)
		_ = os.Remove(path + copyName)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := read(path)
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		try := func(what string, content []byte) {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			_ = os.Remove(path + copyName)
			got, err := read(path)
			if err != nil {
				told++
			}
			if err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("%s with %s is taken for another: %+v, want %+v", name, what, got, want)
			}
			if err != nil && !strings.Contains(err.Error(), filepath.Dir(path)) && !strings.Contains(err.Error(), "authority") {
				t.Errorf("%s with %s: %v, which does not say where", name, what, err)
			}
		}
		for at := range whole {
			flipped := append([]byte(nil), whole...)
			flipped[at] ^= 1 << random.IntN(8)
			try(fmt.Sprintf("a bit of byte %d flipped", at), flipped)
			try(fmt.Sprintf("%d bytes", at), whole[:at])
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Log(name, len(whole), "bytes,", told, "of", 2*len(whole), "refused")
	}
}

// TestSecondPass: a station's certificate that was damaged, or is gone, is made anew
// from its second copy; of both gone the station is told, and has a pass that shows
// nobody anything.
func TestSecondPass(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "station.crt")
	authority, err := LoadAuthority(folder, start)
	if err != nil {
		t.Fatal(err)
	}
	library, err := NewLibrary()
	if err != nil {
		t.Fatal(err)
	}
	station, _, err := library.Enrol("maple-house", "mqtts://hub.library.example:8883")
	if err != nil {
		t.Fatal(err)
	}
	station.Authority = authority.Certificate().Raw
	certificate, err := authority.Station(station.Station, station.SigningKey().Public().(ed25519.PublicKey), start)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := station.NewPass(path, certificate.Raw); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	both := []string{path, path + copyName}
	for _, spoil := range []func(string) error{os.Remove, func(path string) error { return os.WriteFile(path, whole[:100], 0o600) }} {
		for _, lost := range [][]string{both[:1], both[1:], both} {
			for _, name := range lost {
				if err := spoil(name); err != nil {
					t.Fatal(err)
				}
			}
			p, err := station.LoadPass(path)
			if p == nil || (err != nil) != (len(lost) == 2) {
				t.Fatalf("with %v lost: %v, %v", lost, p, err)
			}
			shown, err := p.TLS("hub.library.example:8883", time.Now).GetClientCertificate(nil)
			if err != nil || (len(shown.Certificate) == 0) != (len(lost) == 2) || p.Expires().IsZero() != (len(lost) == 2) {
				t.Errorf("with %v lost it shows %d certificates, good until %v: %v", lost, len(shown.Certificate), p.Expires(), err)
			}
			if len(lost) == 2 && p.Due(certificate.NotAfter) {
				t.Error("what is not there is to be renewed")
			}
			for _, name := range both {
				if content, _ := os.ReadFile(name); len(lost) < 2 && string(content) != string(whole) {
					t.Errorf("with %v lost, %s is %q", lost, name, content)
				}
				if err := os.WriteFile(name, whole, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// TestSum: a file without a sum, as the first versions wrote it, is good; one with
// another is not.
func TestSum(t *testing.T) {
	path := filepath.Join(t.TempDir(), "library.json")
	l, err := LoadLibrary(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	old, _, found := strings.Cut(string(text), ",\n  \"sum\"")
	if !found {
		t.Fatalf("no sum in %s", text)
	}
	for content, want := range map[string]error{old + "\n}\n": nil, strings.Replace(string(text), sum(l), strings.Repeat("0", 32), 1): ErrDamaged} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := LoadLibrary(path); !errors.Is(err, want) || err == nil && !reflect.DeepEqual(got, l) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if err := write(path, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("an identity was overwritten: %v", err)
	}
	if all, err := filepath.Glob(path + "*"); err != nil || len(all) != 1 {
		t.Errorf("left over are %v", all)
	}
}
