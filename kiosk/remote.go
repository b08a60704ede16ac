package kiosk

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/klauspost/compress/zstd"

	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
)

// Why Run ended at somebody's wish.
var (
	// ErrRestart: the whole program is to be started again, as the library or the staff
	// asked.
	ErrRestart = errors.New("kiosk: a restart is asked for")
	// ErrSettings: other settings are in force; the station is to be assembled with
	// them, as the ledger keeps them.
	ErrSettings = errors.New("kiosk: other settings are in force")
)

// SettingsFault is the name of settings of the library's that do not go together.
const SettingsFault = "settings"

// Remote is what carries out the library's wishes beyond the station itself. Each may
// be nil: then that is not done here.
type Remote struct {
	// Judge says whether settings go together on this machine, and which are fixed.
	Judge func(values map[string]string) (fixed []string, err error)
	// Recent are the newest lines of the log, at most so many bytes. They name nobody.
	Recent func(most int) []byte
}

// remote is what the library asked for and is not done yet. It is owned by Run.
type remote struct {
	Remote
	judged  uint64 // the version that was refused in this run; 0: none was
	settle  bool   // the hub may have told other settings
	orders  []circ.Notice
	command uint64 // the notice by which a census was asked for; 0: none
	census  string // its ID
}

// listen takes note of what the library asks for, to be obeyed in time.
func (s *Station) listen() {
	orders, err := s.ledger.Commands()
	if !s.answered(err) {
		return
	}
	s.remote.settle, s.remote.orders = true, orders
	s.remote.command, s.remote.census = 0, ""
	s.remote.orders = slices.DeleteFunc(s.remote.orders, func(n circ.Notice) bool {
		c := n.Body.(circ.Command)
		if c.Name == circ.Census {
			s.remote.command, s.remote.census = n.Seq, c.ID
		}
		return c.Name == circ.Census // it waits for the staff, and nothing waits for it
	})
	s.showRemote()
}

func (s *Station) showRemote() {
	paused, err := s.ledger.Paused()
	s.answered(err)
	if now := (flow.Remote{Paused: paused, Census: s.remote.command != 0}); now != s.state.Remote {
		s.step(flow.RemoteSet{Remote: now})
	}
}

// obey carries out what the library asked for, one after the other, as long as nobody is
// there; an unlocking also while somebody is, who waits for it. Each is answered before
// it is done, or not at all where nothing can be recorded: what cannot be done twice
// must not be begun twice. An error is for Run to end with.
func (s *Station) obey() error {
	r := &s.remote
	for i, n := range r.orders {
		if n.Body.(circ.Command).Name == circ.Unlock {
			r.orders = slices.Delete(slices.Clone(r.orders), i, i+1)
			return s.carryOutOrder(n)
		}
	}
	if s.broken || !s.state.Free() {
		return nil
	}
	if r.settle {
		r.settle = false
		if err := s.settle(); err != nil {
			return err
		}
	}
	for len(r.orders) > 0 && s.state.Free() {
		n := r.orders[0]
		r.orders = r.orders[1:]
		if err := s.carryOutOrder(n); err != nil {
			return err
		}
	}
	return nil
}

// carryOutOrder does one thing that the library asked for.
func (s *Station) carryOutOrder(n circ.Notice) error {
	c := n.Body.(circ.Command)
	s.log.Info("the library asks", "command", c.Name)
	switch c.Name {
	case circ.Restart:
		if s.reply(n, "") {
			return ErrRestart
		}
	case circ.SendLog:
		s.sendLog(n)
	case circ.Pause, circ.Resume:
		if s.answered(s.ledger.PauseLending(c.Name == circ.Pause)) && s.reply(n, "") {
			s.showRemote()
		}
	case circ.Unlock:
		if s.reply(n, "") {
			s.forgive()
			s.step(flow.Forgiven{})
		}
	case circ.Identify:
		if s.reply(n, "") {
			s.step(flow.Identify{})
		}
	default:
		s.reply(n, "this station does not know how")
	}
	return nil
}

// reply answers a command, with other events that belong to it, and reports whether that
// was recorded.
func (s *Station) reply(n circ.Notice, note string, with ...circ.EventBody) bool {
	taken := circ.NoticeTaken{Notice: n.Seq, Command: n.Body.(circ.Command).ID, Note: note}
	_, err := s.append(append(with, taken)...)
	return err == nil
}

// censusDone answers the library's wish for a census when the shelf was counted.
func (s *Station) censusDone(bodies []circ.EventBody) {
	if s.remote.command == 0 || !slices.ContainsFunc(bodies, func(b circ.EventBody) bool { _, is := b.(circ.ShelfCounted); return is }) {
		return
	}
	if s.reply(circ.Notice{Seq: s.remote.command, Body: circ.Command{Name: circ.Census, ID: s.remote.census}}, "counted") {
		s.remote.command, s.remote.census = 0, ""
	}
}

// sendLog sends the newest lines of the log, as many as an event holds.
func (s *Station) sendLog(n circ.Notice) {
	if s.remote.Recent == nil {
		s.reply(n, "this station keeps no log")
		return
	}
	lines, err := squeeze(s.remote.Recent)
	if err != nil {
		s.reply(n, err.Error())
		return
	}
	s.reply(n, "", circ.LogSent{Command: n.Body.(circ.Command).ID, Lines: lines})
}

// squeeze compresses as many of the newest lines as fit an event.
func squeeze(recent func(most int) []byte) ([]byte, error) {
	to, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("compress the log: %w", err)
	}
	defer to.Close()
	for most := 16 * circ.MaxLog; ; most /= 2 {
		if lines := to.EncodeAll(recent(most), nil); len(lines) <= circ.MaxLog {
			return lines, nil
		}
	}
}

// settle puts the hub's settings into force when they are others than those in force, or
// refuses them whole: then those from before stay, and the hub is told why.
func (s *Station) settle() error {
	if s.remote.Judge == nil {
		return nil
	}
	put, told, err := s.ledger.Settings()
	kept, err2 := s.ledger.KeptSettings()
	applied, err3 := s.ledger.Applied()
	if !s.answered(errors.Join(err, err2, err3)) {
		return nil
	}
	if !told { // nothing was said in this stream: what is in force stays
		put = kept
	}
	fixed, err := s.remote.Judge(put.Values)
	if err != nil {
		if s.remote.judged != 0 && s.remote.judged != put.Version { // another complaint than the one before
			s.raise(fault{name: SettingsFault})
		}
		s.remote.judged = put.Version
		s.raise(fault{SettingsFault, cut(fmt.Sprintf("version %d: %v", put.Version, err), circ.MaxWords), true})
		return nil
	}
	s.raise(fault{name: SettingsFault})
	same := kept.Version == put.Version && maps.Equal(kept.Values, put.Values)
	if same && applied.Version == put.Version && slices.Equal(applied.Fixed, fixed) {
		return nil
	}
	// Kept first: what was told to be in force must be.
	if !same && !s.answered(s.ledger.KeepSettings(put)) {
		return nil
	}
	if _, err := s.append(circ.SettingsApplied{Version: put.Version, Fixed: fixed}); err != nil || same {
		return nil
	}
	return ErrSettings
}

// cut is the beginning of a text, in whole characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && text[most]&0xC0 == 0x80 {
		most--
	}
	return text[:most]
}
