package identity

import (
	"crypto/ed25519"
	"crypto/hpke"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coldstation/sync/circ"
)

func TestEnrol(t *testing.T) {
	library, err := LoadLibrary(filepath.Join(t.TempDir(), "library.json"))
	if err != nil {
		t.Fatal(err)
	}
	station, enrolled, err := library.Enrol("maple-house", "mqtt://127.0.0.1:1883")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "maple-house.station")
	if err := station.Save(path); err != nil {
		t.Fatal(err)
	}
	read, err := LoadStation(path)
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("hello")
	if !ed25519.Verify(enrolled.Signing, message, ed25519.Sign(read.SigningKey(), message)) {
		t.Error("the hub does not know the station's signature")
	}
	if !ed25519.Verify(read.Library, message, ed25519.Sign(library.SigningKey(), message)) {
		t.Error("the station does not know the library's signature")
	}
	if !enrolled.Admits(read.Password) || enrolled.Admits(read.Password+"x") || enrolled.Admits("") {
		t.Error("the hub does not tell the station's password from another")
	}
	public, err := read.SealingKey()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := hpke.Seal(public, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte("test"), message)
	if err != nil {
		t.Fatal(err)
	}
	private, err := library.SealingKey()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := hpke.Open(private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte("test"), sealed); err != nil || string(got) != "hello" {
		t.Errorf("the library opened %q, %v; want hello", got, err)
	}
	if err := station.Save(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("saving over an identity: %v, want it refused", err)
	}
}

func TestEnrolRefusesBadNames(t *testing.T) {
	library, err := NewLibrary()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "-a", "a-", "A", "a/b", "a+", "#", strings.Repeat("a", 33), "maple house"} {
		if _, _, err := library.Enrol(circ.StationID(name), ""); err == nil {
			t.Errorf("a station may be called %q", name)
		}
	}
}

func TestLibraryIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "library.json")
	first, err := LoadLibrary(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadLibrary(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(first.Sealing) != string(second.Sealing) {
		t.Error("the library has new keys: what stations sealed is lost")
	}
}

func TestStationKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "station.key")
	first, err := LoadStationKey(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadStationKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(first) != string(second) || len(first) != 32 {
		t.Errorf("the key is %d bytes, then another", len(first))
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, test := range []struct {
		name, text string
		mode       os.FileMode
		want       error
	}{
		{"readable by others", `{}`, 0o644, ErrOpen},
		{"newer", `{"version":2}`, 0o600, ErrNewer},
		{"no JSON", `station`, 0o600, nil},
		{"empty", ``, 0o600, nil},
		{"without keys", `{"version":1,"station":"maple-house"}`, 0o600, nil},
		{"short key", `{"version":1,"station":"maple-house","signing":"AAAA"}`, 0o600, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, []byte(test.text), test.mode); err != nil {
				t.Fatal(err)
			}
			_, err := LoadStation(path)
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}
