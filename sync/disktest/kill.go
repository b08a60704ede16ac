package disktest

import (
	"bufio"
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// Kill starts this test's program with a variable set, as VARIABLE=value, lets it say
// a few numbers, each on a line, the first one at once, and kills it in whatever it does
// next. It answers the largest number that it said.
func Kill(t testing.TB, random *rand.Rand, variable string) (said uint64) {
	t.Helper()
	self := exec.Command(os.Args[0])
	self.Env = append(os.Environ(), variable)
	var complaint bytes.Buffer
	self.Stderr = &complaint
	out, err := self.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	hear := func() {
		if n, err := strconv.ParseUint(lines.Text(), 10, 64); err == nil {
			said = max(said, n)
		}
	}
	for range 1 + random.IntN(12) {
		if !lines.Scan() {
			t.Fatalf("it ended by itself: %s", &complaint)
		}
		hear()
	}
	for range random.IntN(1 << random.IntN(21)) { // from at once to a flush or two later
		random.Uint64()
	}
	if err := self.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // said before it died
		hear()
	}
	_ = self.Wait()
	return said
}

// Chance is drawn from CUT_SEED, or from a seed that it says.
func Chance(t testing.TB) *rand.Rand {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("CUT_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("CUT_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// Lay writes an image into a folder of a disk that works.
func Lay(t testing.TB, folder string, image map[string][]byte) {
	t.Helper()
	for name, content := range image {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Every is which of a life's operations are to fail: each that divides so, or as the
// variable EVERY says.
func Every(n int) int {
	if said, err := strconv.Atoi(os.Getenv("EVERY")); err == nil {
		return said
	}
	return n
}
