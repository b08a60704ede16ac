package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const setAside = ".damaged-"

// keptAside are how many of the latest times that something was set aside are kept,
// beside the first, which shows how it began.
const keptAside = 4

// aside is added to the name of what is kept and not used again.
func aside(at time.Time) string { return setAside + at.UTC().Format("20060102T150405.000Z") }

// thin makes room among what was set aside beside path before more is, so that a disk
// that fails every day does not fill up with it. It answers in plain words what it
// removed; "" for nothing. What cannot be removed stays, which is no reason to stop.
func thin(path string) string {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return ""
	}
	of := make(map[string][]string) // by time, which sorts
	for _, e := range entries {
		name := e.Name()
		if at := strings.LastIndex(name, setAside); at >= 0 && strings.HasPrefix(name, filepath.Base(path)) {
			when := name[at+len(setAside):]
			of[when] = append(of[when], filepath.Join(filepath.Dir(path), name))
		}
	}
	times := make([]string, 0, len(of))
	for when := range of {
		times = append(times, when)
	}
	slices.Sort(times)
	removed := 0
	for i, when := range times {
		if i == 0 || i > len(times)-keptAside {
			continue
		}
		for _, name := range of[when] {
			if os.Remove(name) == nil {
				removed++
			}
		}
	}
	if removed == 0 {
		return ""
	}
	return fmt.Sprintf("%d older damaged files were removed, the first and the latest are kept", removed)
}
