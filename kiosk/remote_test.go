package kiosk

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"coldstation/sync/circ"
	"coldstation/sync/setting"
	"coldstation/sync/wire"
)

// asks is the hub asking, in the present stream.
func (d *desk) asks(bodies ...circ.NoticeBody) *desk {
	d.t.Helper()
	d.tell(bodies...)
	d.station.Told()
	return d.wait(time.Second)
}

// anew is the hub telling everything in a new stream.
func (d *desk) anew(bodies ...circ.NoticeBody) *desk {
	d.t.Helper()
	var raw [][]byte
	for i, body := range bodies {
		b, err := wire.AppendNotice(nil, circ.Notice{Seq: 1 + uint64(i), Body: body})
		if err != nil {
			d.t.Fatal(err)
		}
		raw = append(raw, b)
	}
	if _, _, err := d.ledger.TakeNotices(circ.Stamp{}, uuid.New(), 1, raw, wire.Chain{}.After(raw)); err != nil {
		d.t.Fatal(err)
	}
	d.station.Told()
	return d.wait(time.Second)
}

// answers are what the ledger says of the library's wishes.
func (d *desk) answers(want ...string) *desk {
	d.t.Helper()
	var got []string
	for e, err := range d.ledger.Events(1) {
		if err != nil {
			d.t.Fatal(err)
		}
		switch b := e.Body.(type) {
		case circ.NoticeTaken:
			got = append(got, strings.TrimSpace("taken "+b.Command+" "+b.Note))
		case circ.LogSent:
			got = append(got, "log for "+b.Command)
		case circ.SettingsApplied:
			got = append(got, fmt.Sprintf("settings %d%v", b.Version, b.Fixed))
		case circ.FaultRaised:
			got = append(got, b.Fault+" raised: "+b.Detail)
		case circ.FaultCleared:
			got = append(got, b.Fault+" cleared")
		}
	}
	if !slices.Equal(got, want) {
		d.t.Errorf("the ledger says\n  %s\nwant\n  %s\nlog:\n%s", strings.Join(got, "\n  "), strings.Join(want, "\n  "), d.log)
	}
	return d
}

// ends is how the station ended; nil while it runs.
func (d *desk) ends() error {
	select {
	case err := <-d.ended:
		d.ended <- err
		return err
	default:
		return nil
	}
}

func order(name, id string) circ.Command { return circ.Command{Name: name, ID: id} }

// TestRestartOnce: a restart waits for the visit's end, ends the program once, and comes
// back neither with the next start nor with a new stream.
func TestRestartOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t).put("helmi", "sinuhe").asks(order(circ.Restart, "r")).sees("visiting, 999N00001003 borrowed").answers()
		if d.ends() != nil {
			t.Fatal("it ended in the middle of a visit")
		}
		d.lift("helmi", "sinuhe").wait(time.Minute).answers("taken r")
		if err := d.ends(); !errors.Is(err, ErrRestart) {
			t.Fatalf("it ended with %v, want ErrRestart", err)
		}
		d.crash().anew(circ.PatronPut{Patron: helmi}, order(circ.Restart, "r")).answers("taken r")
		if err := d.ends(); err != nil {
			t.Errorf("it ended once more: %v", err)
		}
		d.asks(order(circ.Restart, "another")).answers("taken r", "taken another")
	})
}

// TestNotWhileABookLies: what was left on the pad may be somebody's; the library waits.
func TestNotWhileABookLies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t).put("sinuhe").wait(10 * time.Minute)
		d.asks(order(circ.Identify, "i")).answers()
		d.lift("sinuhe").wait(time.Second).answers("taken i").sees("identifying")
		if got := d.view().Title; got.Name != string(maple) {
			t.Errorf("the screen says %+v", got)
		}
		d.wait(3 * time.Minute).sees("welcome")
	})
}

// TestPaused: nothing is lent, also after a restart, and what is brought is taken, until
// the library says otherwise.
func TestPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t).put("helmi", "sinuhe").lift("helmi", "sinuhe").wait(5 * time.Minute)
		d.asks(order(circ.Pause, "p")).answers("taken p").crash()
		d.put("helmi", "palmu").sees("visiting, 999N00001004 ask-staff")
		d.put("sinuhe").sees("visiting, 999N00001004 ask-staff, 999N00001003 returned").lift("helmi", "palmu", "sinuhe").wait(time.Minute)
		d.asks(order(circ.Resume, "q")).answers("taken p", "taken q")
		d.put("helmi", "palmu").sees("visiting, 999N00001004 borrowed")
	})
}

// TestUnlock: who was shut out may try again at once, standing there.
func TestUnlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t)
		d.tell(circ.PatronPut{Patron: ritva})
		d.put("outi")
		for range mostWrong {
			d.key("1")
		}
		d.titled("secret.shut").asks(order(circ.Unlock, "u")).answers("taken u")
		d.titled("secret").key("4711").sees("staffing")
	})
}

// TestLog: the newest lines that an event holds come up; a wish that the station does not
// know is answered too.
func TestLog(t *testing.T) {
	var line bytes.Buffer
	seed := rand.New(rand.NewPCG(1, 2))
	for i := range 60_000 {
		fmt.Fprintf(&line, "line %d of %x\n", i, seed.Uint64())
	}
	text := line.Bytes()
	recent := func(most int) []byte { return text[max(0, len(text)-most):] }
	synctest.Test(t, func(t *testing.T) {
		d := start(t, func(p *Parts, _ *desk) { p.Remote.Recent = recent })
		d.asks(order(circ.SendLog, "l"), order("dance", "d")).answers("log for l", "taken l", "taken d this station does not know how")
		for e, err := range d.ledger.Events(1) {
			if err != nil {
				t.Fatal(err)
			}
			sent, is := e.Body.(circ.LogSent)
			if !is {
				continue
			}
			unzip, err := zstd.NewReader(nil)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := unzip.DecodeAll(sent.Lines, nil)
			unzip.Close()
			if err != nil || len(sent.Lines) > circ.MaxLog || len(lines) < circ.MaxLog || !bytes.HasSuffix(text, lines) {
				t.Errorf("%d bytes hold %d of the log's end, %v", len(sent.Lines), len(lines), err)
			}
		}
	})
}

// TestCensusAsked: the staff see it until they have counted.
func TestCensusAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t).asks(order(circ.Census, "c")).answers().crash().answers()
		asked := func(want bool) {
			t.Helper()
			if got := d.station.state.Remote.Census; got != want {
				t.Errorf("a census is asked for: %t, want %t", got, want)
			}
		}
		asked(true)
		if _, err := d.ledger.Append(circ.Stamp{}, nil, circ.HelpAsked{Screen: "welcome"}); err != nil {
			t.Fatal(err)
		}
		counted := []circ.EventBody{circ.ShelfCounted{Seen: []circ.ItemID{"1"}, Whole: true}}
		d.stop()
		<-d.ended
		d.station.censusDone(counted)
		d.answers("taken c counted").run()
		d.wait(time.Second)
		asked(false)
	})
}

// TestSettingsFromAfar: what goes together is in force from the next start on; of what does not,
// nothing is, the library is told why, and what was in force stays.
func TestSettingsFromAfar(t *testing.T) {
	fixed := []string{"house"}
	judge := func(values map[string]string) ([]string, error) { return fixed, setting.Check(values) }
	put := func(version uint64, pairs ...string) circ.SettingsPut {
		values := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			values[pairs[i]] = pairs[i+1]
		}
		return circ.SettingsPut{Version: version, Values: values}
	}
	synctest.Test(t, func(t *testing.T) {
		d := start(t, func(p *Parts, _ *desk) { p.Remote.Judge = judge })
		inForce := func(want circ.SettingsPut) {
			t.Helper()
			if kept, err := d.ledger.KeptSettings(); err != nil || kept.Version != want.Version || !maps.Equal(kept.Values, want.Values) {
				t.Errorf("in force is %+v, %v, want %+v", kept, err, want)
			}
		}
		story := []string{"settings 0[house]"}
		d.answers(story...) // the library sees what is fixed before it sets anything
		d.put("helmi").asks(put(1, "tiles", "open")).answers(story...)
		story = append(story, "settings 1[house]")
		d.lift("helmi").wait(5 * time.Minute).answers(story...)
		if err := d.ends(); !errors.Is(err, ErrSettings) {
			t.Fatalf("it ended with %v, want ErrSettings", err)
		}
		inForce(put(1, "tiles", "open"))
		d.crash().answers(story...)

		story = append(story, `settings raised: version 2: tiles: "all" is none of none, staff, open`)
		d.asks(put(2, "tiles", "all", "undo", "1m")).answers(story...).crash().answers(story...)
		inForce(put(1, "tiles", "open"))
		story = append(story, "settings cleared", "settings raised: version 3: linger: 1h is not between 6s and 1m0s")
		d.asks(put(3, "linger", "1h")).answers(story...)
		story = append(story, "settings cleared", "settings 4[house]")
		d.asks(put(4)).answers(story...)
		inForce(put(4))
		if err := d.ends(); !errors.Is(err, ErrSettings) {
			t.Fatalf("it ended with %v, want ErrSettings", err)
		}
		fixed = nil
		story = append(story, "settings 4[]")
		d.crash().answers(story...)
		if d.ends() != nil {
			t.Error("it ended although nothing but what is fixed had changed")
		}
		d.anew(circ.PatronPut{Patron: helmi}).answers(story...) // a stream that says nothing of settings
		inForce(put(4))
	})
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		text string
		most int
		want string
	}{{"short", 5, "short"}, {"longer", 4, "long"}, {"aä", 2, "a"}, {"", 0, ""}} {
		if got := cut(tt.text, tt.most); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q at %d: got %q, want %q", tt.text, tt.most, got, tt.want)
		}
	}
}
