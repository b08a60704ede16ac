package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coldstation/cmd/internal/stage"
)

// bin is where the programs under test are built.
var bin string

func TestMain(m *testing.M) {
	code := func() int {
		var err error
		if bin, err = os.MkdirTemp("", "fleetsim-test-"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(bin)
		build := exec.Command("go", "build", "-o", bin+"/", "coldstation/cmd/fleetsim", "coldstation/cmd/hub")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			panic(string(out))
		}
		return m.Run()
	}()
	os.Exit(code)
}

// run answers the one line on standard output, whether it ended well, and what
// it logged.
func run(t *testing.T, args ...string) (line map[string]float64, well bool, log string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "fleetsim"), args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatal(err, ctx.Err(), said.String())
	}
	if strings.Count(out.String(), "\n") != 1 {
		t.Fatalf("standard output is %q, want one line; the log:\n%s", out.String(), said.String())
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	return line, err == nil, said.String()
}

func wantSound(t *testing.T, line map[string]float64, well bool, log string, want map[string]float64) {
	t.Helper()
	want["lost"], want["duplicated"], want["out_of_order"], want["delivered"] = 0, 0, 0, line["events"]
	for name, value := range want {
		if got, there := line[name]; !there || got != value {
			t.Errorf("%s is %v, want %v", name, got, value)
		}
	}
	// A start at least at each station; and none of the figures is missing.
	if line["events"] < want["stations"] || line["seconds"] <= 0 || line["events_per_s"] <= 0 || len(line) != 9 {
		t.Errorf("the line is %v", line)
	}
	if !well || t.Failed() {
		t.Errorf("ended well: %v; the log:\n%s", well, log)
	}
}

func TestFaults(t *testing.T) {
	line, well, log := run(t, "--stations", "6", "--visits", "4", "--faults", "--seed", "11")
	wantSound(t, line, well, log, map[string]float64{"stations": 6, "seed": 11})
}

// Who gives up before all is delivered does not say that all is well.
func TestImpatient(t *testing.T) {
	if _, well, log := run(t, "--stations", "2", "--visits", "1", "--seed", "1", "--patience", "1ns"); well {
		t.Errorf("it ended well; the log:\n%s", log)
	}
}

// TestElsewhere is a hub that runs by itself, with its own broker, and stations
// that it enrolled.
func TestElsewhere(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := &stage.Stage{Dir: t.TempDir(), Bin: bin}
	defer s.Close()
	library, err := s.Library(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	identities := filepath.Join(s.Dir, "identities")
	if err := os.Mkdir(identities, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two", "three"} {
		if _, err := s.Run("hub", "station", "add", "--data", "hub", "--broker", "mqtt://"+library.MQTT, "--out", filepath.Join(identities, name+".station"), name); err != nil {
			t.Fatal(err)
		}
	}
	line, well, log := run(t, "--visits", "4", "--faults", "--seed", "5", "--hub", library.Web,
		"--broker", "mqtt://"+library.MQTT, "--broker-qos", "0", "--identities", identities)
	wantSound(t, line, well, log, map[string]float64{"stations": 3, "seed": 5})
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"nonsense"}, {"--stations", "0"}, {"--visits", "-1"}, {"--broker-qos", "2"}, {"part", "baker"}, {"part"},
		{"--hub", "http://127.0.0.1:1"}, {"--keep", bin},
	} {
		cmd := exec.Command(filepath.Join(bin, "fleetsim"), args...)
		if out, err := cmd.Output(); err == nil || len(out) > 0 && args[0] != part {
			t.Errorf("%v: %q, %v, want a refusal", args, out, err)
		}
	}
}
