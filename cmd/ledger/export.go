package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
	"coldstation/sync/ledger"
	"coldstation/sync/wire"
)

type line struct {
	Seq    uint64         `json:"seq"`
	ID     uuid.UUID      `json:"id"`
	Wall   *time.Time     `json:"wall,omitempty"`
	Clock  string         `json:"clock,omitempty"`
	Boot   *uuid.UUID     `json:"boot,omitempty"`
	Uptime int64          `json:"uptime_ms,omitempty"`
	Kind   string         `json:"kind,omitempty"`
	Body   map[string]any `json:"body,omitempty"`
	Raw    string         `json:"raw"`
}

var clocks = [...]string{"unset", "rtc", "hub", "ntp"}

func export(l *ledger.Ledger, out io.Writer) error {
	first, _, err := l.Bounds()
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	for seq := first; ; {
		raw, _, err := l.Read(seq, wire.MaxEvents, wire.MaxBytes)
		if err != nil || len(raw) == 0 {
			return err
		}
		for _, r := range raw {
			n := line{Seq: seq, ID: circ.EventID(l.ID(), seq), Raw: base64.StdEncoding.EncodeToString(r)}
			e, err := wire.ParseEvent(r, nil)
			switch {
			case err == nil:
				n.Wall, n.Clock, n.Boot, n.Uptime = &e.Stamp.Wall, clocks[e.Stamp.Clock], &e.Stamp.Boot, e.Stamp.Uptime.Milliseconds()
				n.Kind, n.Body = reflect.TypeOf(e.Body).Name(), body(e.Body)
			case !errors.Is(err, wire.ErrNewer):
				return err
			}
			if err := encoder.Encode(n); err != nil {
				return err
			}
			seq++
		}
	}
}

// body is an event's fields by name, those that are zero left out.
func body(e circ.EventBody) map[string]any {
	fields := map[string]any{}
	value := reflect.ValueOf(e)
	for i := range value.NumField() {
		field := value.Field(i)
		name := strings.ToLower(value.Type().Field(i).Name)
		switch v := field.Interface().(type) {
		case circ.PatronID: // sealed: it stands in raw
		case circ.Ref:
			if !v.IsZero() {
				fields[name] = hex.EncodeToString(v[:])
			}
		case time.Time:
			if !v.IsZero() {
				fields[name] = v.UTC()
			}
		default:
			if !field.IsZero() {
				fields[name] = v
			}
		}
	}
	return fields
}
