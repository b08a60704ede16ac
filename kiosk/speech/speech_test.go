package speech

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"
)

// TestMain is also the program that speaks: it tells the test what it is to say,
// and "speaks" until the test lets it go. A child of its own, as a player behind a
// synthesiser would be, holds the same connection: it ends when both are gone.
func TestMain(m *testing.M) {
	switch os.Getenv("SPEECH_TEST") {
	case "":
		os.Exit(m.Run())
	case "child":
		time.Sleep(time.Hour) // it is to be killed
	default:
		os.Exit(speak(os.Getenv("SPEECH_TEST")))
	}
}

// utterance is what the program is to say, and how.
type utterance struct {
	Args []string
	Text string
}

func speak(socket string) int {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return 3
	}
	file, err := conn.(*net.UnixConn).File()
	if err != nil {
		return 3
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "SPEECH_TEST=child")
	child.ExtraFiles = []*os.File{file}
	if err := child.Start(); err != nil {
		return 3
	}
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return 3
	}
	if err := json.NewEncoder(conn).Encode(utterance{os.Args[1:], string(text)}); err != nil {
		return 3
	}
	var code int
	if _, err := fmt.Fscan(conn, &code); err != nil {
		return 3
	}
	return code
}

// ear is where the program is heard.
type ear struct {
	*testing.T
	voice    *Voice
	listener *net.UnixListener
	faults   chan string
	plugged  atomic.Bool
	stop     func()
}

// heard is something that is being said.
type heard struct {
	utterance
	t    *testing.T
	conn *net.UnixConn
	in   *bufio.Reader
}

func listen(t *testing.T, names Names, set func(*Voice)) *ear {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "ear")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SPEECH_TEST", socket)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // else a program under -race takes a second to exit
	e := &ear{T: t, listener: listener, faults: make(chan string, 8)}
	e.voice = New(Options{Words: words(t), Names: names, Program: Program{os.Args[0], "{language}", "{voice}", "{speed}", "{volume}"},
		Fault: func(name, detail string, raised bool) {
			e.faults <- fmt.Sprintf("%s %v %s", name, raised, strings.ReplaceAll(detail, os.Args[0], "it"))
		}})
	v := e.voice
	v.quiet, v.watch, v.letter, v.headphones = time.Hour, time.Millisecond, 0, e.plugged.Load
	if set != nil {
		set(v)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { v.Run(ctx); close(ended) }()
	e.stop = func() { cancel(); <-ended }
	t.Cleanup(func() { e.stop(); listener.Close() })
	return e
}

// hear waits for the next thing that is said.
func (e *ear) hear() *heard {
	e.Helper()
	e.listener.SetDeadline(time.Now().Add(10 * time.Second))
	conn, err := e.listener.AcceptUnix()
	if err != nil {
		e.Fatal(err)
	}
	h := &heard{t: e.T, conn: conn, in: bufio.NewReader(conn)}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if err := json.NewDecoder(io.LimitReader(h.in, 1<<16)).Decode(&h.utterance); err != nil {
		e.Fatal(err)
	}
	return h
}

// finish lets it end well, or with an exit code.
func (h *heard) finish(code int) { fmt.Fprintln(h.conn, code) }

// gone waits until no process of it is left, and answers how long that took.
func (h *heard) gone() time.Duration {
	h.t.Helper()
	began := time.Now()
	if _, err := h.conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		h.t.Fatalf("still there: %v", err)
	}
	h.conn.Close()
	return time.Since(began)
}

func (e *ear) fault(want string) {
	e.Helper()
	select {
	case got := <-e.faults:
		if got != want {
			e.Fatalf("got %q, want %q", got, want)
		}
	case <-time.After(10 * time.Second):
		e.Fatalf("nothing is told, want %q", want)
	}
}

func view(screen flow.Screen, language string, title flow.Phrase) flow.View {
	return flow.View{Screen: screen, Title: title, Look: flow.Look{Language: language}, Help: true}
}

func hello(language, name string) flow.View {
	return view(flow.Visiting, language, flow.Phrase{Key: "hello", Name: name})
}

func TestSay(t *testing.T) {
	e := listen(t, Always, nil)
	for _, test := range []struct {
		view flow.View
		look flow.Look // but for the language
		want utterance
	}{
		{hello("fi", "Helmi"), flow.Look{}, utterance{[]string{"fi", "fi", "150", "100"}, "Hei, Helmi.\n"}},
		{hello("fi-simple", "Helmi"), flow.Look{Volume: flow.Louder}, utterance{[]string{"fi-simple", "fi", "120", "140"}, "Hei, Helmi.\n"}},
		{hello("sv", "Åke"), flow.Look{Volume: flow.Loudest, Slow: true}, utterance{[]string{"sv", "sv", "120", "200"}, "Hej, Åke.\n"}},
		{hello("en", "[[x]]\x01\n"), flow.Look{Volume: flow.Silent}, utterance{[]string{"en", "en-gb", "150", "40"}, "Hello,   x.\n"}},
		{hello("en", "Mary"), flow.Look{}, utterance{[]string{"en", "en-gb", "150", "100"}, "Hello, Mary.\n"}},
	} {
		test.look.Language = test.view.Look.Language
		test.view.Look = test.look
		e.voice.Say(test.view)
		h := e.hear()
		if fmt.Sprint(h.utterance) != fmt.Sprint(test.want) {
			t.Errorf("got %q, want %q", h.utterance, test.want)
		}
		h.finish(0)
		h.gone()
	}
}

// TestInterrupted: what is being said ends at once, with all its processes.
func TestInterrupted(t *testing.T) {
	e := listen(t, Never, nil)
	e.voice.Say(hello("en", ""))
	first := e.hear()
	e.voice.Say(hello("fi", ""))
	took := first.gone()
	second := e.hear()
	e.voice.Hush()
	took = max(took, second.gone())
	e.voice.Say(hello("sv", ""))
	third := e.hear()
	e.stop()
	took = max(took, third.gone())
	// Far more than it takes, far less than a word.
	if took > 250*time.Millisecond {
		t.Errorf("spoke on for %v", took)
	}
}

// TestNewest: of many views at once, the last is said, and no more than started
// before it.
func TestNewest(t *testing.T) {
	e := listen(t, Never, nil)
	e.voice.Say(hello("en", ""))
	first := e.hear()
	for range 100 {
		e.voice.Say(hello("sv", ""))
	}
	e.voice.Say(hello("fi", ""))
	first.gone()
	for {
		h := e.hear()
		if h.Text == "Hei.\n" {
			h.finish(0)
			h.gone()
			return
		}
		h.gone()
	}
}

// TestNames: a name is said where the station wants it; with headphones no longer
// than they are in.
func TestNames(t *testing.T) {
	for name, test := range map[string]struct {
		names   Names
		plugged bool
		want    string
	}{
		"never":           {Never, true, "Hei.\n"},
		"headphones":      {WithHeadphones, true, "Hei, Helmi.\n"},
		"no headphones":   {WithHeadphones, false, "Hei.\n"},
		"always, handset": {Always, false, "Hei, Helmi.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			e := listen(t, test.names, nil)
			e.plugged.Store(test.plugged)
			e.voice.Say(hello("fi", "Helmi"))
			h := e.hear()
			if h.Text != test.want {
				t.Errorf("got %q, want %q", h.Text, test.want)
			}
			for _, arg := range h.Args {
				if strings.Contains(arg, "Helmi") {
					t.Errorf("every process can read %q", h.Args)
				}
			}
			if test.names == WithHeadphones && test.plugged {
				e.plugged.Store(false) // pulled out
			} else {
				h.finish(0)
			}
			h.gone()
		})
	}
}

// TestAgain: the same once more is said with the buttons; so is all at rest.
func TestAgain(t *testing.T) {
	e := listen(t, Never, nil)
	rest := view(flow.Welcome, "en", flow.Phrase{Key: "welcome"})
	for i, want := range []struct {
		view flow.View
		text string
	}{
		{rest, "Welcome.\nButton: Help.\n"},
		{hello("en", ""), "Hello.\n"},
		{hello("en", ""), "Hello.\nButton: Help.\n"},
	} {
		e.voice.Say(want.view)
		h := e.hear()
		if h.Text != want.text {
			t.Errorf("%d: got %q, want %q", i, h.Text, want.text)
		}
		h.finish(0)
		h.gone()
	}
	e.voice.Hush()
	e.voice.Say(hello("en", ""))
	if got, want := e.hear().Text, "Hello.\n"; got != want {
		t.Errorf("after silence: got %q, want %q", got, want)
	}
}

// TestQuiet: when nothing has happened for a while the buttons are said, once.
func TestQuiet(t *testing.T) {
	e := listen(t, Never, func(v *Voice) { v.quiet = time.Millisecond })
	e.voice.Say(hello("en", ""))
	h := e.hear()
	h.finish(0)
	h.gone()
	h = e.hear()
	if got, want := h.Text, "Button: Help.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	h.finish(0)
	h.gone()
	e.voice.Say(hello("fi", ""))
	if got, want := e.hear().Text, "Hei.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestFault: silence that nobody chose is told once, and its end.
func TestFault(t *testing.T) {
	e := listen(t, Never, nil)
	say := func(code int) {
		e.voice.Say(hello("en", ""))
		h := e.hear()
		h.finish(code)
		h.gone()
	}
	say(2)
	e.fault("speech true speak with it: exit status 2")
	say(2)
	say(0)
	e.fault("speech false ")
	e.voice.Say(hello("en", ""))
	e.hear()
	e.voice.Hush() // is no fault
	say(0)
	say(3)
	e.fault("speech true speak with it: exit status 3")
}

func TestNobodyHeard(t *testing.T) {
	e := listen(t, Never, func(v *Voice) { v.letter = time.Minute })
	e.voice.Say(hello("en", ""))
	e.hear().finish(0)
	e.fault("speech true speak with it: it ended before anything can have been heard; is there a sound card?")
}

func TestNoProgram(t *testing.T) {
	e := listen(t, Never, func(v *Voice) { v.Program = Program{"/nonexistent/voice"} })
	e.voice.Say(hello("en", ""))
	e.fault("speech true speak with /nonexistent/voice: fork/exec /nonexistent/voice: no such file or directory")
	e.voice.Say(hello("en", ""))
	e.voice.Say(view(flow.Visiting, "tlh", flow.Phrase{Key: "hello"})) // no such words
	e.voice.Hush()
	e.stop()
	if len(e.faults) > 0 {
		t.Errorf("told again: %s", <-e.faults)
	}
}

// TestEspeak: the real program makes a sound of our words in every language.
func TestEspeak(t *testing.T) {
	if _, err := exec.LookPath(Espeak[0]); err != nil {
		if os.Getenv("REAL") != "" {
			t.Fatal(err)
		}
		t.Skip("no espeak-ng here; make setup brings it")
	}
	for tag, w := range words(t) {
		seconds := make(map[string]float64)
		for name, v := range map[string]flow.View{
			"hello": hello(tag, ""),
			"due":   view(flow.Visiting, tag, flow.Phrase{Key: "due.day", Day: time.Date(2026, 12, 14, 0, 0, 0, 0, time.UTC)}),
		} {
			args := append(ParseProgram("espeak-ng").args(w, flow.Look{})[1:], "-w", "/dev/stdout")
			cmd := exec.Command(Espeak[0], args...)
			cmd.Stdin = strings.NewReader(text(script{w, v, false}.screen(false)))
			wav, err := cmd.Output()
			if err != nil || len(wav) < 44 {
				t.Fatalf("%s: %d bytes, %v", tag, len(wav), err)
			}
			// A header of 44 bytes, then mono samples of 16 bits at 22050 a second.
			loud := 0
			for i := 44; i+1 < len(wav); i += 2 {
				if s := int16(wav[i]) | int16(wav[i+1])<<8; s > 1000 || s < -1000 {
					loud++
				}
			}
			seconds[name] = float64(loud) / 22050
		}
		if seconds["hello"] < 0.05 || seconds["due"] < 5*seconds["hello"] {
			t.Errorf("%s: sounds last %v seconds", tag, seconds)
		}
	}
}

func words(t testing.TB) phrase.Book {
	t.Helper()
	book, err := phrase.Load(os.DirFS("../../assets/words"))
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func TestHeadphones(t *testing.T) {
	classes := t.TempDir()
	for event, sw := range map[string]string{"event0": "0\n", "event1": "10\n", "event2": "1 14\n", "event3": ""} {
		if err := os.MkdirAll(filepath.Join(classes, event, "device/capabilities"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(classes, event, "device/capabilities/sw"), []byte(sw), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		on   int
		err  error
		want bool
	}{{4, nil, true}, {0x10, nil, false}, {4, io.EOF, false}} {
		got := plugged(classes, "/dev/input", func(device string) (int, error) {
			if device != "/dev/input/event2" {
				t.Errorf("asks %s, which has no headphone socket", device)
			}
			return test.on, test.err
		})
		if got != test.want {
			t.Errorf("%+v: got %v", test, got)
		}
	}
	if _, err := switches(filepath.Join(classes, "event0/device/capabilities/sw")); err == nil {
		t.Error("a file has switches")
	}
}

func TestPrograms(t *testing.T) {
	if got := ParseProgram("espeak-ng"); fmt.Sprint(got) != fmt.Sprint(Espeak) {
		t.Errorf("got %q", got)
	}
	if got, want := ParseProgram(" say-it  --to {voice}.onnx "), (Program{"say-it", "--to", "{voice}.onnx"}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, name := range []string{"never", "headphones", "always"} {
		if got, err := ParseNames(name); err != nil || got != choices[name] {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := ParseNames("sometimes"); err == nil {
		t.Error("sometimes is a choice")
	}
}
