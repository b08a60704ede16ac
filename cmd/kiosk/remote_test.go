package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"coldstation/cmd/internal/stage"
	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/setting"
	"coldstation/sync/wire"
)

// TestEverySettingIsAFlag: what the table says may be set is a flag of the kiosk's that
// takes each of the options, and the usual value is the flag's own.
func TestEverySettingIsAFlag(t *testing.T) {
	who := enrolledFile(t)
	args := []string{"--identity", who, "--data", t.TempDir(), "--scanner", "/dev/null"}
	own, err := parse(args)
	if err != nil {
		t.Fatal(err)
	}
	print := func(s settings) string { return fmt.Sprintf("%+v %v", s.station, s.names) }
	for _, s := range setting.Table {
		values := append([]string{s.Usual}, s.Options...)
		if s.Kind == setting.Span {
			values = append(values, s.Least.String(), s.Most.String())
		}
		others := map[string]bool{}
		for _, value := range values {
			got, err := overlaid(args, own, map[string]string{s.Name: value})
			if err != nil {
				t.Errorf("%s %s: %v", s.Name, value, err)
				continue
			}
			if value == s.Usual && print(got) != print(own) {
				t.Errorf("%s: the usual value is %s, and it changes something", s.Name, value)
			}
			others[print(got)] = true
		}
		if len(others) < 2 {
			t.Errorf("%s changes nothing", s.Name)
		}
	}
	if _, err := overlaid(args, own, map[string]string{"scanner": "/dev/zero"}); err == nil {
		t.Error("the library could say where the scanner is")
	}
	own.fixed = []string{"tiles"}
	got, err := overlaid(args, own, map[string]string{"tiles": "open", "house": "on"})
	if err != nil || got.station.Rules.Tiles != flow.NoTiles || !got.station.Rules.House {
		t.Errorf("what is fixed here stays, and nothing else: %v, %v, %v", got.station.Rules.Tiles, got.station.Rules.House, err)
	}
	if _, err := parse(append(args, "--fixed", "scanner")); err == nil || !strings.Contains(err.Error(), "--fixed") {
		t.Errorf("fixing what the library could not set anyway: %v", err)
	}
	if _, err := parse(append(args, "--clear", "5s")); err == nil || !strings.Contains(err.Error(), "--clear: 5s") {
		t.Errorf("five seconds to answer: %v", err)
	}
}

// TestTail: the newest whole lines are kept, within their bounds.
func TestTail(t *testing.T) {
	lines := &tail{most: 30}
	for i := range 20 {
		fmt.Fprintf(lines, "line %d\n", i)
	}
	for most, want := range map[int]string{8: "line 19\n", 17: "line 18\nline 19\n", 7: "", 0: "", 1000: "line 17\nline 18\nline 19\n"} {
		if got := string(lines.Newest(most)); got != want {
			t.Errorf("at most %d: got %q, want %q", most, got, want)
		}
	}
	if len(lines.kept) > 60 {
		t.Errorf("%d bytes are kept", len(lines.kept))
	}
}

// TestFromAfar is the real programs: the library sets a station's languages and rule, has
// it start again, and reads its log; what was set is still in force, and nobody's number
// is in the log.
func TestFromAfar(t *testing.T) {
	th := open(t)
	k, err := th.Kiosk(th.ctx, "maple-house", th.screen.Env(), "--window", "1280x800", "--fixed", "house")
	th.must(err)
	hub, err := store.OpenSQLite(filepath.Join(th.Dir, "hub", "hub.db"))
	th.must(err)
	defer hub.Close()
	tell := func(bodies ...circ.NoticeBody) { th.must(hub.Tell(th.ctx, "maple-house", bodies...)) }

	th.must(k.Pad.Put("helmi", "sinuhe"))
	th.loans("999N00001003")
	tell(circ.SettingsPut{Version: 1, Values: map[string]string{"languages": "en,fi", "house": "on", "tiles": "all"}})
	th.must(k.Pad.Lift("helmi", "sinuhe"))
	th.logged(k, 1, "kind=FaultRaised") // a word that is none of its options
	tell(circ.SettingsPut{Version: 2, Values: map[string]string{"languages": "en,fi", "house": "on", "unknown-cards": "staff"}})
	th.logged(k, 1, "other settings are in force")
	th.logged(k, 2, "kind=Started")
	tell(circ.NewCommand(circ.Restart), circ.NewCommand(circ.SendLog))
	th.logged(k, 3, "kind=Started")
	th.logged(k, 1, "kind=LogSent")

	var text string
	var fixed []string
	th.must(stage.Until(th.ctx, "the log", func() error {
		return errors.Join(hub.Log(th.ctx, "maple-house", func(k store.Kept) error {
			e, err := wire.ParseEvent(k.Raw, nil)
			switch b := e.Body.(type) {
			case circ.SettingsApplied:
				fixed = b.Fixed
			case circ.LogSent:
				unzip, bad := zstd.NewReader(nil)
				if bad != nil {
					return bad
				}
				defer unzip.Close()
				var raw []byte
				raw, err = unzip.DecodeAll(b.Lines, nil)
				text = string(raw)
			}
			return err
		}), map[bool]error{true: errors.New("it is not there")}[text == ""])
	}))
	if !strings.Contains(text, "the library asks") || strings.Contains(text, "999A") || strings.Contains(text, "Helmi") || strings.Contains(text, "045E216A401180") {
		t.Errorf("the log says\n%s", text)
	}
	if len(fixed) != 1 || fixed[0] != "house" {
		t.Errorf("the hub sees %v fixed, want house", fixed)
	}
	th.must(k.Pad.Put("stranger", "palmu"))
	th.logged(k, 2, "show", "screen=visiting")
	th.loans("999N00001003") // lent to nobody whom the library does not know
}
