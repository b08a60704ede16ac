package conf

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "station.conf")
	if err := os.WriteFile(file, []byte("broker mqtt://file\nwait 3s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.conf")
	if err := os.WriteFile(wrong, []byte("brocker mqtt://file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		args   []string
		env    map[string]string
		broker string
		wait   time.Duration
		err    string
	}{
		{name: "defaults", broker: "mqtt://here", wait: time.Second},
		{name: "file", args: []string{"--config", file}, broker: "mqtt://file", wait: 3 * time.Second},
		{name: "environment beats file", args: []string{"--config", file}, env: map[string]string{"STATION_BROKER": "mqtt://env"}, broker: "mqtt://env", wait: 3 * time.Second},
		{name: "flag beats all", args: []string{"--broker", "mqtt://flag"}, env: map[string]string{"STATION_BROKER": "mqtt://env"}, broker: "mqtt://flag", wait: time.Second},
		{name: "unknown in file", args: []string{"--config", wrong}, err: "brocker"},
		{name: "unknown in environment", env: map[string]string{"STATION_BROCKER": "x"}, err: "STATION_BROCKER"},
		{name: "unknown flag", args: []string{"--brocker", "x"}, err: "brocker"},
		{name: "no duration", env: map[string]string{"STATION_WAIT": "3"}, err: "wait"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			set := flag.NewFlagSet("station", flag.ContinueOnError)
			set.SetOutput(&strings.Builder{})
			broker := set.String("broker", "mqtt://here", "where the hub listens")
			wait := set.Duration("wait", time.Second, "how long")
			err := Parse(set, test.args)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v does not name %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if *broker != test.broker || *wait != test.wait {
				t.Errorf("got broker %s, wait %s; want %s, %s", *broker, *wait, test.broker, test.wait)
			}
		})
	}
}

func TestOwn(t *testing.T) {
	folder := t.TempDir()
	if err := Own(folder); err != nil {
		t.Errorf("our own folder: %v", err)
	}
	if err := Own(filepath.Join(folder, "not-yet")); err != nil {
		t.Errorf("a folder that is not there yet: %v", err)
	}
	if os.Geteuid() != 0 {
		return // only root can give a folder away
	}
	if err := os.Chown(folder, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if err := Own(folder); err == nil || !strings.Contains(err.Error(), "runuser -u nobody -- ") {
		t.Errorf("got %v for a folder of nobody's, want what to say instead", err)
	}
}
