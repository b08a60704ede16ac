package ui

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/sync/circ"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"
)

// visits are after how many of them the growth is measured from and to.
const fewVisits, manyVisits = 500, 5000

func init() {
	programs["button"] = func() { // a finger on Fyne's own button changes a line of text
		w := app.NewWithID("coldstation.button").NewWindow("Button")
		words := widget.NewLabel("0")
		n := 0
		button := widget.NewButton("Touch", func() {
			n++
			words.SetText(strings.Repeat("#", 10+n%2*20))
		})
		w.SetPadded(false)
		w.SetContent(container.NewBorder(words, button, nil, nil, firstFrame()))
		w.Resize(fyne.NewSize(1366, 768))
		w.ShowAndRun()
	}
	programs["touched"] = func() { // a station of which a finger asks for help, and goes back
		inbox := make(chan flow.Msg, 16)
		w := New(Options{Words: book, Send: func(m flow.Msg) { inbox <- m }, Width: 1366, Height: 768,
			FirstFrame: func() { fmt.Println("first frame") }})
		state, start := flow.New(flow.DefaultRules("maple-house", languages...), 0), time.Now()
		w.Show(state.View())
		go func() {
			for m := range inbox {
				state, _ = flow.Step(state, flow.Moment{Up: time.Hour + time.Since(start)}, m)
				w.Show(state.View())
			}
		}()
		w.Run()
	}
	programs["visits"] = func() { // one visit after the other, each with books of its own
		started := make(chan struct{})
		w := New(Options{Words: book, Send: func(flow.Msg) {}, Width: 1366, Height: 768, FirstFrame: func() { close(started) }})
		welcome := flow.New(flow.DefaultRules("maple-house", languages...), 0)
		w.Show(welcome.View())
		go func() {
			<-started
			for n := 1; n <= manyVisits; n++ {
				for _, v := range visit(welcome, n) {
					w.Show(v)
					fyne.DoAndWait(func() {})
				}
				if n == fewVisits || n == manyVisits {
					time.Sleep(20 * time.Second) // what Fyne keeps of pictures is let go by time
					fmt.Println(resident())
				}
			}
			w.Close()
		}()
		w.Run()
	}
}

// visit is what the n-th visit shows, from the card to the end.
func visit(s flow.State, n int) (views []flow.View) {
	at := flow.Moment{Up: time.Hour, Wall: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), Clock: circ.ClockNTP}
	send := func(m flow.Msg) {
		at.Up += 2 * time.Second
		var effects []flow.Effect
		s, effects = flow.Step(s, at, m)
		for _, e := range effects {
			if r, is := e.(flow.Record); is {
				s, _ = flow.Step(s, at, flow.Recorded{Ticket: r.Ticket, Seq: 1})
			}
		}
		views = append(views, s.View())
	}
	send(flow.CardSeen{Token: "card", Ref: circ.Ref{1}, Known: true, Patron: circ.Patron{FirstName: "Visitor " + strconv.Itoa(n)}})
	for i := range 2 {
		id := circ.ItemID(strconv.Itoa(2*n + i))
		send(flow.ItemSeen{Token: flow.Token(id), Known: true, Item: circ.Item{ID: id, Title: "The story of number " + string(id), Author: "An author"}})
	}
	send(flow.Lifted{Token: "card"})
	for i := range 2 {
		send(flow.Lifted{Token: flow.Token(strconv.Itoa(2*n + i))})
	}
	at.Up += time.Minute
	send(flow.Fired{Timer: flow.EndTimer})
	return views
}

// resident is the memory that this process has, in KiB.
func resident() int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		panic(err)
	}
	return kib
}

// BenchmarkGrowth is the memory that a station has after thousands of visits, by that
// after the first hundreds.
func BenchmarkGrowth(b *testing.B) {
	_, lines := program(b, display(b), "visits")
	var kib []float64
	for lines.Scan() {
		if n, err := strconv.ParseFloat(lines.Text(), 64); err == nil {
			kib = append(kib, n)
		}
	}
	if len(kib) != 2 {
		b.Fatalf("measured %v, want twice", kib)
	}
	b.ReportMetric(kib[1]/1024, "MiB")
	fmt.Printf("ratio rss-growth %.3f\n", kib[1]/kib[0])
}

// BenchmarkIdle is the time that a station at rest takes of a processor, by that of an
// empty Fyne window.
func BenchmarkIdle(b *testing.B) {
	screen := display(b)
	idle := func(name string) float64 {
		cmd, lines := program(b, screen, name)
		for lines.Scan() && lines.Text() != "first frame" {
		}
		time.Sleep(5 * time.Second)
		const long = 20 * time.Second
		before := spentBy(b, cmd.Process.Pid)
		time.Sleep(long)
		took := spentBy(b, cmd.Process.Pid) - before
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return 100 * took.Seconds() / long.Seconds()
	}
	bare, ours := idle("empty"), idle("station")
	b.ReportMetric(bare, "%empty")
	b.ReportMetric(ours, "%station")
	fmt.Printf("ratio idle-cpu %.2f\n", ours/bare)
}

// spentBy is the processor time of a process: fields 14 and 15 of proc(5)'s stat, in
// hundredths of a second.
func spentBy(b *testing.B, pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
	var ticks int
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

const rounds = 30

// BenchmarkTouchToPaint is the time from a finger's letting go until another picture
// is on the screen, by that of Fyne's own button that changes a line of text, touched
// by turns.
func BenchmarkTouchToPaint(b *testing.B) {
	v := flow.New(flow.DefaultRules("maple-house", languages...), 0).View()
	help := place(b, v, flow.Help)
	v.Screen, v.Back = flow.Helping, true
	back := place(b, v, flow.Back)
	const button = 760 // of the bare window, from the top
	ours, bare := newFinger(b, "touched", help, back), newFinger(b, "button", [2]int{683, button}, [2]int{684, button})
	var took, own []time.Duration
	for range rounds {
		took, own = append(took, ours.touch(b)), append(own, bare.touch(b))
	}
	b.ReportMetric(float64(middle(took).Microseconds())/1000, "ms/station")
	b.ReportMetric(float64(middle(own).Microseconds())/1000, "ms/button")
	fmt.Printf("ratio touch-to-paint %.2f\n", float64(middle(took))/float64(middle(own)))
}

// place is the middle of a button.
func place(b *testing.B, v flow.View, a flow.Action) [2]int {
	if fyne.CurrentApp() == nil {
		app.NewWithID("coldstation.figures")
	}
	for _, t := range compose(v, book, Display{}, fyne.NewSize(1366, 768), 0).targets {
		if t.msg == (flow.Pressed{Action: a}) {
			return [2]int{int(t.x + t.w/2), int(t.y + t.h/2)}
		}
	}
	b.Fatalf("no %s", a)
	return [2]int{}
}

// finger touches places of a window by turns, and looks at the screen.
type finger struct {
	name    string
	places  [][2]int
	touched int
	to      io.Writer // commands of xdotool's
	picture func() []byte
}

// newFinger runs a program on a screen of its own.
func newFinger(b *testing.B, name string, places ...[2]int) *finger {
	dir := b.TempDir()
	screen := display(b, "-fbdir", dir)
	_, lines := program(b, screen, name)
	for lines.Scan() && lines.Text() != "first frame" {
	}
	hand := exec.Command("xdotool", "-")
	hand.Env = append(os.Environ(), "DISPLAY="+screen)
	to, err := hand.StdinPipe()
	if err == nil {
		err = hand.Start()
	}
	if err != nil {
		b.Fatalf("xdotool (Debian: xdotool): %v", err)
	}
	b.Cleanup(func() { to.Close(); _ = hand.Wait() })
	return &finger{name: name, places: places, to: to, picture: title(b, filepath.Join(dir, "Xvfb_screen0"))}
}

// touch is the time from letting go at the next place until another picture is there.
func (f *finger) touch(b *testing.B) time.Duration {
	const still = 700 * time.Millisecond // longer than another screen is deaf
	const frame = time.Second / 60       // fyne looks for touches once in it: they come all over it
	at := f.places[f.touched%len(f.places)]
	f.touched++
	fmt.Fprintf(f.to, "mousemove %d %d\nmousedown 1\n", at[0], at[1])
	time.Sleep(still + frame*time.Duration(f.touched*7%rounds)/rounds)
	before := f.picture()
	start := time.Now()
	fmt.Fprintln(f.to, "mouseup 1")
	for bytes.Equal(f.picture(), before) {
		if time.Since(start) > 5*time.Second {
			b.Fatalf("%s: nothing changed after touch %d at %v", f.name, f.touched, at)
		}
		time.Sleep(time.Millisecond / 4)
	}
	took := time.Since(start)
	time.Sleep(still)
	return took
}

// title gives some lines of the screen where a title stands, as Xvfb keeps them: after a
// header whose first word is its size and whose words 12 and 19 are the bytes of a line
// and the number of 12-byte colours (X11/XWDFile.h).
func title(b testing.TB, path string) func() []byte {
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { file.Close() })
	var head [100]byte
	if _, err := file.ReadAt(head[:], 0); err != nil {
		b.Fatal(err)
	}
	word := func(i int) int64 { return int64(binary.BigEndian.Uint32(head[4*i:])) }
	start, stride := word(0)+12*word(19), word(12)
	return func() []byte {
		const first, last, step = 5, 65, 5
		var band []byte
		for y := int64(first); y < last; y += step {
			line := make([]byte, stride)
			if _, err := file.ReadAt(line, start+y*stride); err != nil {
				b.Fatal(err)
			}
			band = append(band, line...)
		}
		return band
	}
}
