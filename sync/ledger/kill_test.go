package ledger

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"coldstation/sync/circ"
	"coldstation/sync/disktest"
	"coldstation/sync/wire"
)

// killed are the settings of the process that is killed.
var killed = Options{Station: "maple-house", Key: bytes.Repeat([]byte{7}, 32), Sealer: &wire.Sealer{Key: sealing()}, Journal: true, Reserve: 1 << 16}

func sealing() hpke.PublicKey {
	key, err := hpke.DHKEM(ecdh.X25519()).NewPrivateKey(bytes.Repeat([]byte{0x24}, 32))
	if err != nil {
		panic(err)
	}
	return key.PublicKey()
}

func TestMain(m *testing.M) {
	if path := os.Getenv("LEDGER_TO_KILL"); path != "" {
		appendForEver(path)
	}
	if path := os.Getenv("LEDGER_ON_A_DISK"); path != "" {
		live(path)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// appendForEver appends, and says each number once it is recorded.
func appendForEver(path string) {
	fmt.Println(0)
	l, err := Open(path, killed)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for {
		first, err := l.Append(noon, nil, circ.Placed{Item: "1"}, circ.ReadHere{Item: "1"})
		if err == nil && first%16 == 1 {
			err = l.SetMark(Hub, first)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(first + 1)
	}
}

// TestKilled kills a process that appends, at any instant, a hundred times, or
// KILLS times: what it said to be recorded is there, and nothing is there by half.
func TestKilled(t *testing.T) {
	random := disktest.Chance(t)
	rounds := 100
	if n, err := strconv.Atoi(os.Getenv("KILLS")); err == nil {
		rounds = n
	}
	path := filepath.Join(t.TempDir(), "ledger")
	var said uint64
	for round := range rounds {
		if round%25 == 24 { // not for ever longer
			l, err := Open(path, killed)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.Append(noon, nil, circ.ReadHere{Item: "1"}, circ.ReadHere{Item: "1"}); err != nil {
				t.Fatal(err)
			}
			if err := l.SetMark(Hub, said); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := Retire(path, killed, noon.Wall.AddDate(0, 0, 1), 1); err != nil {
				t.Fatal(err)
			}
		}
		said = max(said, disktest.Kill(t, random, "LEDGER_TO_KILL="+path))
		l, err := Open(path, killed)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		r, err := l.Verify()
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if r.Last < said || r.Last%2 != 0 {
			t.Fatalf("round %d: event %d was said to be recorded, the newest is %d", round, said, r.Last)
		}
		if j, err := l.VerifyJournal(); err != nil || len(j.Faults) != 0 || j.Last != r.Last || l.Mended() != "" {
			t.Fatalf("round %d: journal %+v, %v, mended %q, want no fault up to %d", round, j, err, l.Mended(), r.Last)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d events recorded through %d kills", said, rounds)
}
