package storetest

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/wire"
)

// afar: what stands at a station is the last word on each topic, and it is known
// whether the station has it; the log it sent last is found.
func afar(t *testing.T, p *place) {
	ctx := t.Context()
	const id = "maple-house"
	l := NewLog(id)
	p.find(l)
	p.ok(p.NewStream(ctx, id, uuid.New()))
	first := circ.SettingsPut{Version: 1, Values: map[string]string{"house": "on"}}
	second := circ.SettingsPut{Version: 2, Values: map[string]string{"house": "off"}}
	hello := circ.MessagePut{ID: "desk", Words: map[string]string{"fi": "Hei"}}
	p.ok(p.Tell(ctx, id, first, hello, circ.LoanRefused{Seq: 4}))
	p.ok(p.Tell(ctx, id, second))
	want := func(name string, had bool, want ...circ.NoticeBody) {
		t.Helper()
		got, err := p.Standing(ctx, id)
		p.ok(err)
		if len(got) != len(want) {
			t.Fatalf("%s: %+v, want %+v", name, got, want)
		}
		for i, st := range got {
			if !reflect.DeepEqual(st.Body, want[i]) || st.Had != had {
				t.Errorf("%s: %+v, want %+v, had %t", name, st, want[i], had)
			}
		}
	}
	want("told", false, hello, second)
	now, err := p.Stream(ctx, id)
	p.ok(err)
	now, err = p.Draw(ctx, id, now, 100, Start)
	p.ok(err)
	want("numbered", false, hello, second)
	p.ok(p.NoticesTaken(ctx, id, now.ID, now.Told, false))
	want("taken", true, hello, second)
	p.ok(p.Tell(ctx, id, circ.MessagePut{ID: "desk"}))
	want("taken down", true, second)
	if got, err := p.Standing(ctx, "birch-house"); err != nil || len(got) != 0 {
		t.Errorf("at another station: %+v, %v", got, err)
	}

	if got, err := p.SentLog(ctx, id); err != nil || !reflect.DeepEqual(got, store.SentLog{}) {
		t.Errorf("no log: %+v, %v", got, err)
	}
	for i, lines := range []string{"first", "second"} {
		e := circ.Event{Stamp: circ.Stamp{Wall: Start.Add(time.Duration(i) * time.Minute), Clock: circ.ClockNTP, Boot: l.Boot, Uptime: time.Duration(i) * time.Minute}, Body: circ.LogSent{Command: "c", Lines: []byte(lines)}}
		raw, err := wire.AppendEvent(nil, e, nil)
		p.ok(err)
		l.AddRaw(e, raw)
		b := l.Batch(uint64(i+1), uint64(i+1))
		b.At = Start.Add(time.Hour + time.Duration(i)*time.Minute)
		p.take(b)
	}
	if got, err := p.SentLog(ctx, id); err != nil || string(got.Lines) != "second" || !got.Received.Equal(Start.Add(61*time.Minute)) {
		t.Errorf("the last log: %+v, %v", got, err)
	}
}
