package speech

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"

	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"
)

// Names is the station's choice of when names and titles are said.
type Names uint8

// The choices.
const (
	Never          Names = iota
	WithHeadphones       // while something is plugged in
	Always
)

var choices = map[string]Names{"never": Never, "headphones": WithHeadphones, "always": Always}

// ParseNames reads never, headphones or always.
func ParseNames(s string) (Names, error) {
	if n, ok := choices[s]; ok {
		return n, nil
	}
	return Never, fmt.Errorf("%q is none of never, headphones and always", s)
}

// Options are what a voice is made of.
type Options struct {
	Words   phrase.Book
	Program Program
	Names   Names
	// Fault hears, from Run, once whether what was said can have been heard, and
	// then whenever that changes.
	Fault func(name, detail string, raised bool)
}

// amplitudes are those of espeak-ng for the volumes from the softest: 100 is normal,
// and above it the loudest sounds are flattened. A step is about 4 dB. Who wants no
// voice and asks for it all the same hears a soft one.
var amplitudes = [...]int{40, 63, 100, 140, 200}

// Voice speaks views. Its methods return at once and may be called from any
// goroutine.
type Voice struct {
	Options
	mu   sync.Mutex
	next chan *flow.View // at most one, the newest; nil: silence

	headphones func() bool
	quiet      time.Duration // after so long the buttons are said
	watch      time.Duration // between looks at the headphones
	letter     time.Duration // takes at least so long to be said

	// Owned by Run.
	last  *flow.View // what was said last
	sound *bool      // whether it was heard; nil: nobody knows
}

// New makes a voice that speaks while Run runs.
func New(o Options) *Voice {
	return &Voice{Options: o, next: make(chan *flow.View, 1), headphones: Headphones,
		quiet: 10 * time.Second, watch: 100 * time.Millisecond, letter: 10 * time.Millisecond}
}

// Say says the view from its beginning; what is being said ends.
func (v *Voice) Say(view flow.View) { v.put(&view) }

// Hush ends what is being said.
func (v *Voice) Hush() { v.put(nil) }

func (v *Voice) put(view *flow.View) {
	v.mu.Lock()
	defer v.mu.Unlock()
	select {
	case <-v.next:
	default:
	}
	v.next <- view
}

// Run speaks until ctx ends. When it returns nothing speaks any more.
func (v *Voice) Run(ctx context.Context) {
	// The program is to die with the station (Pdeathsig), and Linux takes that to
	// be the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var now *speech
	defer func() { now.end() }()
	quiet, watch := time.NewTimer(v.quiet), time.NewTicker(v.watch)
	quiet.Stop()
	defer watch.Stop()
	for {
		select {
		case view := <-v.next:
			now.end()
			quiet.Stop()
			now = nil
			if view != nil {
				// Unasked, flow has only new sentences said, and none at rest.
				again := view.Screen == flow.Welcome || v.last != nil && v.last.Title == view.Title && v.last.Look.Language == view.Look.Language
				now = v.start(*view, func(s script) []string { return s.screen(again) })
			}
			v.last = view
		case <-now.ended():
			v.note(now.err)
			if !now.hint && v.last.Screen != flow.Welcome {
				quiet.Reset(v.quiet)
			}
			now = nil
		case <-quiet.C:
			if now = v.start(*v.last, script.buttons); now != nil {
				now.hint = true
			}
		case <-watch.C:
			// Headphones pulled out leave the loudspeaker on.
			if now != nil && now.secret && !v.headphones() {
				now.end()
				now = nil
			}
		case <-ctx.Done():
			return
		}
	}
}

// start says something of a view; nil when that is nothing or cannot be said.
func (v *Voice) start(view flow.View, what func(script) []string) *speech {
	words := v.Words[view.Look.Language]
	if words == nil {
		return nil
	}
	secret := v.Names == WithHeadphones && v.headphones()
	lines := text(what(script{words, view, secret || v.Names == Always}))
	if lines == "" {
		return nil
	}
	args := v.Program.args(words, view.Look)
	s := &speech{cmd: exec.Command(args[0], args[1:]...), done: make(chan struct{}), secret: secret}
	s.cmd.Stdin = strings.NewReader(lines)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		v.note(err)
		return nil
	}
	letters := 0
	for _, r := range lines {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	go func() {
		defer close(s.done)
		s.err = s.cmd.Wait()
		s.kill() // a player left behind
		if s.err == nil && time.Since(began) < time.Duration(letters)*v.letter {
			// espeak-ng without a sound card ends at once, and well.
			s.err = errors.New("it ended before anything can have been heard; is there a sound card?")
		}
	}()
	return s
}

// note tells whether there is sound. What a program complains of is not passed on:
// it may repeat a name.
func (v *Voice) note(err error) {
	if sound := err == nil; v.sound == nil || *v.sound != sound {
		v.sound = &sound
		detail := ""
		if err != nil {
			detail = fmt.Sprintf("speak with %s: %v", v.Program[0], err)
		}
		v.Fault("speech", detail, err != nil)
	}
}

// speech is something that is being said. A nil one is silence.
type speech struct {
	cmd    *exec.Cmd
	done   chan struct{} // closed when it has ended
	err    error         // how, once it has
	secret bool          // for headphones only
	hint   bool          // only the buttons
}

func (s *speech) ended() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.done
}

// end kills the program and all that it started, and waits for it.
func (s *speech) end() {
	if s != nil {
		s.kill()
		<-s.done
	}
}

func (s *speech) kill() { _ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) }
