package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coldstation/cmd/internal/stage"
)

// bin holds the real programs, built once for all tests of this package.
var bin string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	folder, err := os.MkdirTemp("", "coldstation-bin")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	build := exec.Command("go", "build", "-tags", "gles", "-o", folder+"/", "coldstation/cmd/hub", "coldstation/cmd/kiosk", "coldstation/cmd/readersim")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		return 1
	}
	bin = folder
	return m.Run()
}

// theatre is a library on a stage with a screen and a broker of Debian's.
type theatre struct {
	*testing.T
	*stage.Library
	ctx    context.Context
	screen *stage.Screen
	broker *stage.Program
}

func open(t *testing.T) *theatre {
	t.Helper()
	if testing.Short() {
		t.Skip("the real programs take a minute; make test runs them")
	}
	for _, program := range []string{"Xvfb", "xdotool", "/usr/sbin/mosquitto"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("REAL") != "" {
				t.Fatal(err)
			}
			t.Skipf("no %s here; make setup brings it", program)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	s := &stage.Stage{Dir: t.TempDir(), Bin: bin}
	t.Cleanup(func() {
		s.Close()
		cancel()
		if t.Failed() {
			logs, _ := filepath.Glob(filepath.Join(s.Dir, "*.log"))
			for _, log := range logs {
				text, _ := os.ReadFile(log)
				t.Logf("%s:\n%s", filepath.Base(log), text[max(0, len(text)-4000):])
			}
		}
	})
	th := &theatre{T: t, ctx: ctx}
	addr, err := stage.FreeAddr()
	th.must(err)
	th.broker, err = s.Mosquitto(ctx, addr)
	th.must(err)
	th.screen, err = s.Screen(ctx, 1280, 800)
	th.must(err)
	th.Library, err = s.Library(ctx, addr)
	th.must(err)
	return th
}

func (th *theatre) must(err error) {
	th.Helper()
	if err != nil {
		if th.screen != nil && os.Getenv("SCREENSHOT") != "" {
			_ = th.screen.Save(context.Background(), os.Getenv("SCREENSHOT"))
		}
		th.Fatal(err)
	}
}

// loans waits until the hub knows exactly these items on loan.
func (th *theatre) loans(items ...string) {
	th.Helper()
	th.must(stage.Until(th.ctx, "the hub's loans", func() error {
		loans, err := th.Loans()
		if err != nil {
			return err
		}
		var got []string
		for _, loan := range loans {
			got = append(got, loan.Item)
		}
		if len(got) != len(items) {
			return fmt.Errorf("the hub has %v on loan, want %v", got, items)
		}
		for _, item := range items {
			if !strings.Contains(strings.Join(got, " "), item) {
				return fmt.Errorf("the hub has %v on loan, want %v", got, items)
			}
		}
		return nil
	}))
}

// afi waits until the item's tag on the simulated pad carries the AFI.
func (th *theatre) afi(k *stage.Kiosk, name, want string) {
	th.Helper()
	th.must(stage.Until(th.ctx, "the tag of "+name, func() error {
		list, err := th.Library.Run("readersim", "list", "--control", k.Pad.Control)
		if err != nil {
			return err
		}
		for line := range strings.Lines(list) {
			if fields := strings.Fields(line); slices.Contains(fields, name) {
				if fields[len(fields)-1] == want {
					return nil
				}
				return fmt.Errorf("it is %q, want AFI %s", strings.TrimSpace(line), want)
			}
		}
		return fmt.Errorf("no %s among\n%s", name, list)
	}))
}

// A visit through the real programs: the network is there, goes with the broker,
// and comes back; the loan reaches the hub once and in order.
func TestLoanReachesTheLibrary(t *testing.T) {
	th := open(t)
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800")
	th.must(err)

	th.must(k.Pad.Put("helmi", "sinuhe"))
	th.loans("999N00001003")
	th.afi(k, "sinuhe", "C2")
	th.must(k.Pad.Lift("helmi", "sinuhe"))
	th.must(stage.Until(th.ctx, "the visit's end", func() error { return k.Logged("visit over") }))

	// The broker dies; a book is brought back and another one lent meanwhile.
	th.broker.Kill()
	th.must(k.Pad.Put("sinuhe"))
	th.must(stage.Until(th.ctx, "the return", func() error { return k.Logged("kind=CheckedIn") }))
	th.afi(k, "sinuhe", "07")
	th.must(k.Pad.Lift("sinuhe"))
	th.must(k.Pad.Put("helmi", "palmu"))
	th.afi(k, "palmu", "C2")
	th.must(k.Pad.Lift("helmi", "palmu"))

	_, err = th.Mosquitto(th.ctx, th.MQTT)
	th.must(err)
	th.loans("999N00001004")

	station, err := th.Station("maple-house")
	th.must(err)
	if station.Queue != 0 {
		t.Errorf("the hub still misses %d events", station.Queue)
	}
}

// A second station on the same hub, and a book borrowed at one and returned at
// the other.
func TestTwoStations(t *testing.T) {
	th := open(t)
	maple, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800")
	th.must(err)
	birch, err := th.Kiosk(th.ctx, "birch-house", th.screen.Env(), "--window", "1280x800")
	th.must(err)
	th.must(errors.Join(maple.Pad.Put("helmi", "sinuhe"), birch.Pad.Put("veikko", "palmu")))
	th.loans("999N00001003", "999N00001004")
	th.must(errors.Join(maple.Pad.Lift("helmi", "sinuhe"), birch.Pad.Lift("veikko", "palmu")))
	th.must(stage.Until(th.ctx, "both visits' end", func() error { return errors.Join(maple.Logged("visit over"), birch.Logged("visit over")) }))
	th.must(birch.Pad.Put("sinuhe"))
	th.loans("999N00001004")
}

// The kiosk is killed in the middle of a visit; what it said it had noted is
// there when it starts again.
func TestKilledInTheMiddle(t *testing.T) {
	th := open(t)
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800")
	th.must(err)
	k.Cable.Cut()
	th.must(k.Pad.Put("helmi", "sinuhe"))
	th.must(stage.Until(th.ctx, "the loan", func() error { return k.Logged("kind=CheckedOut") }))
	k.Kill()
	th.must(k.Cable.Heal())
	_, err = th.Start("kiosk", th.screen.Env(), k.Args...)
	th.must(err)
	th.loans("999N00001003")
}
