package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
	"github.com/skip2/go-qrcode"

	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/setting"
)

// Enrolment is what a new machine becomes a station with.
type Enrolment struct {
	Code        string // once
	Expires     time.Time
	Fingerprint string // of the library's authority, as the station shows it
}

// Errors of [Settings.Enrol].
var (
	ErrNoPlace = errors.New("where stations enrol is not known")
	ErrKeys    = errors.New("the station has keys already")
)

// commands are what a librarian may have a station do, in the order of the page. The
// first are asked back about.
var commands = []string{circ.Restart, circ.Pause, circ.Resume, circ.Census, circ.SendLog, circ.Identify, circ.Unlock}

// onScreen is the message that the pages put on a station's screen.
const onScreen = "desk"

// longestMessage is in characters: two lines of large type.
const longestMessage = 160

type settingLine struct {
	setting.Setting
	Label, Hint string
	Value       string // as the form has it: seconds of a Span
	Options     []choiceLine
	Wrong       string
	Free        bool // typed, and not chosen
	Seconds     bool
}

type managePage struct {
	frame
	Station   standing
	Commands  []string
	Message   []messageLine // on the screen now
	Had       bool          // the station has it
	Preview   []messageLine
	Settings  []settingLine
	Version   uint64
	SetThere  bool // the station has the settings
	Done      string
	Trouble   string
	Enrolment *Enrolment
	QR        string // the way of its dark squares, as SVG writes it
	Squares   int
	CanEnrol  bool
	Settled   bool // there is something to settle
	log       store.SentLog
	LogAge    string
}

type messageLine struct{ Lang, Name, Words string }

// MayHere reports whether the visitor has a role at the station.
func (p managePage) MayHere(role store.Role) bool { return p.visitor.may(role, p.Station.ID) }

// Asks reports whether a command is asked back about.
func (p managePage) Asks(command string) bool {
	return command == circ.Restart || command == circ.Pause
}

func (s *site) managePage(r *http.Request, w *words) (string, any, error) {
	id := circ.StationID(r.PathValue("id"))
	st, err := s.source(r).Station(r.Context(), id)
	if err != nil {
		return "", nil, err
	}
	stands, err := s.source(r).Standing(r.Context(), id)
	if err != nil {
		return "", nil, err
	}
	page := managePage{frame: s.frame(r, w, "manage"), Station: s.standing(w, st), Commands: commands, CanEnrol: s.Enrol != nil}
	page.Only = id
	page.log, err = s.source(r).SentLog(r.Context(), id)
	if err != nil {
		return "", nil, err
	}
	if !page.log.Received.IsZero() {
		page.LogAge = w.age(s.Now(), page.log.Received)
	}
	values := make(map[string]string)
	for _, one := range stands {
		switch b := one.Body.(type) {
		case circ.MessagePut:
			page.Message, page.Had = s.message(b.Words), one.Had
		case circ.SettingsPut:
			values, page.Version, page.SetThere = b.Values, b.Version, one.Had
		}
	}
	for _, name := range []string{store.ConditionRefilled, store.ConditionReturned} {
		page.Settled = page.Settled || slices.ContainsFunc(st.Conditions, func(c store.Condition) bool { return c.Name == name })
	}
	page.Settings = s.settingLines(w, r, values)
	asked := r.URL.Query()
	if asked.Get("preview") != "" {
		page.typed = asked
		page.Preview = s.message(s.typedMessage(asked))
	}
	if key := "done." + asked.Get("done"); w.T(key) != key {
		page.Done = w.T(key)
	}
	if key := "trouble." + asked.Get("trouble"); w.T(key) != key {
		page.Trouble = w.T(key)
	}
	return "manage", page, nil
}

// message is words by language, in the pages' order.
func (s *site) message(by map[string]string) (lines []messageLine) {
	for _, w := range s.tongues.all {
		if text := by[w.code]; text != "" {
			lines = append(lines, messageLine{w.code, w.T("name"), text})
		}
	}
	return lines
}

func (s *site) typedMessage(form url.Values) map[string]string {
	by := make(map[string]string)
	for _, w := range s.tongues.all {
		if text := strings.Join(strings.Fields(form.Get("words-"+w.code)), " "); text != "" {
			by[w.code] = text
		}
	}
	return by
}

// Typing are the lines of the form for a message, with what was typed, else with what
// is on the screen.
func (p managePage) Typing() (lines []messageLine) {
	for _, c := range p.Languages {
		line := messageLine{Lang: c.Code, Name: c.Name, Words: p.Typed("words-" + c.Code)}
		for _, now := range p.Message {
			if now.Lang == c.Code && p.typed == nil {
				line.Words = now.Words
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// manage is where a form of a station's goes on to.
func manage(r *http.Request, done string) string {
	id := r.PathValue("id")
	asking(r).about = append(asking(r).about, id)
	return "/stations/" + id + "/manage?done=" + done
}

// tell has a station told something. One that never connected cannot be told.
func (s *site) tell(r *http.Request, done string, body circ.NoticeBody) (string, error) {
	next := manage(r, done)
	err := s.source(r).Tell(r.Context(), circ.StationID(r.PathValue("id")), body)
	if errors.Is(err, store.ErrNoStream) {
		return "/stations/" + r.PathValue("id") + "/manage?trouble=nostream", nil
	}
	return next, err
}

func (s *site) command(name string) func(http.ResponseWriter, *http.Request) (string, error) {
	return func(_ http.ResponseWriter, r *http.Request) (string, error) {
		return s.tell(r, "station-"+name, circ.NewCommand(name))
	}
}

// show puts a message on the screen, or ("down") takes it down.
func (s *site) show(_ http.ResponseWriter, r *http.Request) (string, error) {
	if r.PostForm.Get("down") != "" {
		return s.tell(r, "message-down", circ.MessagePut{ID: onScreen})
	}
	by := s.typedMessage(r.PostForm)
	if len(by) == 0 {
		return "", complaint{"words-" + s.tongues.all[0].code: "message.nowords"}
	}
	for lang, text := range by {
		if utf8.RuneCountInString(text) > longestMessage {
			return "", complaint{"words-" + lang: "message.long"}
		}
	}
	return s.tell(r, "message", circ.MessagePut{ID: onScreen, Words: by})
}

// settingLines are the lines of the form, with what was typed, else with values.
func (s *site) settingLines(w *words, r *http.Request, values map[string]string) (lines []settingLine) {
	wrong := complaints(r)
	for _, one := range setting.Table {
		l := settingLine{Setting: one, Label: w.T("setting." + one.Name), Value: values[one.Name], Free: one.Kind != setting.Choice, Seconds: one.Kind == setting.Span}
		if l.Seconds {
			l.Value = seconds(l.Value)
			l.Hint = w.T("setting.span", seconds(one.Usual), seconds(one.Least.String()), seconds(one.Most.String()))
		}
		if one.Kind == setting.List {
			l.Hint = w.T("setting.list", strings.Join(one.Options, ", "), one.Usual)
		}
		if r.PostForm.Has(one.Name) {
			l.Value = r.PostForm.Get(one.Name)
		}
		if key := wrong[one.Name]; key != "" {
			l.Wrong = w.T(key)
		}
		if !l.Free {
			l.Options = []choiceLine{{"", w.T("setting.own", w.option(one.Usual)), l.Value == ""}}
			for _, option := range one.Options {
				l.Options = append(l.Options, choiceLine{option, w.option(option), l.Value == option})
			}
		}
		lines = append(lines, l)
	}
	return lines
}

func (w *words) option(value string) string { return w.T(w.or("option."+value, "option.")) }

// seconds is a length of time as a form has it.
func seconds(span string) string {
	d, err := time.ParseDuration(span)
	if err != nil {
		return span
	}
	return strconv.Itoa(int(d / time.Second))
}

// set tells a station its settings. What is left empty is as the station has it.
func (s *site) set(_ http.ResponseWriter, r *http.Request) (string, error) {
	values := make(map[string]string)
	for _, one := range setting.Table {
		value := strings.TrimSpace(r.PostForm.Get(one.Name))
		switch {
		case value == "":
			continue
		case one.Kind == setting.Span:
			value += "s"
		case one.Kind == setting.List:
			value = strings.Join(setting.Split(value), ",")
		}
		values[one.Name] = value
	}
	if wrong := misset(setting.Check(values)); len(wrong) > 0 {
		return "", wrong
	}
	stands, err := s.source(r).Standing(r.Context(), circ.StationID(r.PathValue("id")))
	if err != nil {
		return "", err
	}
	put := circ.SettingsPut{Version: 1, Values: values}
	for _, one := range stands {
		if b, is := one.Body.(circ.SettingsPut); is {
			if maps.Equal(b.Values, values) {
				return manage(r, "settings"), nil
			}
			put.Version = b.Version + 1
		}
	}
	return s.tell(r, "settings", put)
}

// misset is what must be changed in a form of settings.
func misset(err error) complaint {
	all := make(complaint)
	var add func(error)
	add = func(err error) {
		if many, is := err.(interface{ Unwrap() []error }); is {
			for _, one := range many.Unwrap() {
				add(one)
			}
		} else if wrong, is := errors.AsType[*setting.Wrong](err); is {
			all[wrong.Setting.Name] = fmt.Sprint("setting.wrong.", wrong.Why)
		}
	}
	add(err)
	return all
}

func (s *site) name(_ http.ResponseWriter, r *http.Request) (string, error) {
	title := strings.TrimSpace(r.PostForm.Get("title"))
	if len(title) > circ.MaxText {
		return "", complaint{"title": "account.notitle"}
	}
	return manage(r, "title"), s.source(r).SetTitle(r.Context(), circ.StationID(r.PathValue("id")), title)
}

func (s *site) settle(_ http.ResponseWriter, r *http.Request) (string, error) {
	id := circ.StationID(r.PathValue("id"))
	return manage(r, "settle"), errors.Join(s.source(r).Clear(r.Context(), id, store.ConditionRefilled), s.source(r).Clear(r.Context(), id, store.ConditionReturned))
}

func (s *site) revoke(_ http.ResponseWriter, r *http.Request) (string, error) {
	if r.PostForm.Get("sure") == "" {
		return "", complaint{"sure": "revoke.notsure"}
	}
	return manage(r, "revoke"), s.source(r).Revoke(r.Context(), circ.StationID(r.PathValue("id")), s.Now())
}

// code shows a one-time code for a station that is known, with which a new machine
// takes its place.
func (s *site) code(r *http.Request, w *words) (string, any, error) {
	id := circ.StationID(r.PathValue("id"))
	enrolment, err := s.enrol(r.Context(), id, r.PostForm.Get("sure") != "")
	if err != nil {
		return "", nil, err
	}
	asking(r).about = []string{string(id)}
	r.PostForm = nil
	template, content, err := s.managePage(r, w)
	if page, is := content.(managePage); is {
		page.Enrolment = &enrolment
		page.QR, page.Squares, err = picture(enrolment.Code)
		content = page
	}
	return template, content, err
}

func (s *site) enrol(ctx context.Context, id circ.StationID, replace bool) (e Enrolment, err error) {
	if s.Enrol == nil {
		return e, errMissing
	}
	e, err = s.Enrol(ctx, id, replace)
	switch {
	case errors.Is(err, ErrKeys):
		return e, complaint{"sure": "code.notsure"}
	case errors.Is(err, ErrNoPlace):
		return e, complaint{"sure": "code.noplace"}
	}
	return e, err
}

type addPage struct {
	frame
	CanEnrol bool
}

func (s *site) addStationPage(r *http.Request, w *words) (string, any, error) {
	return "add-station", addPage{s.frame(r, w, "add-station"), s.Enrol != nil}, nil
}

// addStation makes a station known and shows its code.
func (s *site) addStation(r *http.Request, w *words) (string, any, error) {
	id, title := circ.StationID(strings.TrimSpace(r.PostForm.Get("id"))), strings.TrimSpace(r.PostForm.Get("title"))
	if !id.Valid() {
		return "", nil, complaint{"id": "station.noname"}
	}
	if len(title) > circ.MaxText {
		return "", nil, complaint{"title": "account.notitle"}
	}
	switch _, err := s.Source.Station(r.Context(), id); {
	case err == nil:
		return "", nil, complaint{"id": "station.known"}
	case !errors.Is(err, store.ErrNoStation):
		return "", nil, err
	}
	r.SetPathValue("id", string(id))
	if _, err := s.enrol(r.Context(), id, false); err != nil {
		if _, is := errors.AsType[complaint](err); is {
			err = complaint{"id": "code.noplace"}
		}
		return "", nil, err
	}
	if title != "" {
		if err := s.source(r).SetTitle(r.Context(), id, title); err != nil {
			return "", nil, err
		}
	}
	return s.code(r, w)
}

// picture is a QR code as an SVG path of unit squares, and how many there are in a
// row.
func picture(text string) (path string, squares int, err error) {
	qr, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return "", 0, err
	}
	var b strings.Builder
	rows := qr.Bitmap()
	for y, row := range rows {
		for x, dark := range row {
			if dark {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x, y)
			}
		}
	}
	return b.String(), len(rows), nil
}

type logPage struct {
	frame
	Station standing
	Age     string
	Lines   string
}

// longestLog is what is shown of a log, of its end.
const longestLog = 40 << 10

// logPage is the log that a station sent last.
func (s *site) logPage(r *http.Request, w *words) (string, any, error) {
	id := circ.StationID(r.PathValue("id"))
	st, err := s.source(r).Station(r.Context(), id)
	if err != nil {
		return "", nil, err
	}
	sent, err := s.source(r).SentLog(r.Context(), id)
	if err != nil {
		return "", nil, err
	}
	page := logPage{frame: s.frame(r, w, "log"), Station: s.standing(w, st)}
	if sent.Received.IsZero() {
		return "log", page, nil
	}
	page.Age = w.age(s.Now(), sent.Received)
	page.Lines, err = unpack(sent.Lines)
	return "log", page, err
}

// unpack is a log's text, of which a station may say anything: its end, if it is long.
func unpack(lines []byte) (string, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(8<<20))
	if err != nil {
		return "", err
	}
	defer z.Close()
	text, err := z.DecodeAll(lines, nil)
	if err != nil {
		return "", nil // not what it should be: nothing to show
	}
	if len(text) > longestLog {
		text = text[len(text)-longestLog:]
	}
	return strings.ToValidUTF8(string(text), "?"), nil
}

// clock is how far the station's clock is off, as its last event tells, and how well
// that is known.
func (w *words) clock(e store.Event) string {
	off := e.Wall.Sub(e.At)
	text := w.T("clock.right")
	if abs := max(off, -off); abs > max(time.Minute, e.Err) {
		key := "clock.ahead"
		if off < 0 {
			key = "clock.behind"
		}
		text = w.T(key, w.about(abs))
	}
	if e.Err > store.Unsure {
		text += " " + w.T("clock.unsure", w.about(e.Err))
	}
	return text
}
