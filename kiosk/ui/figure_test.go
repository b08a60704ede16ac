package ui

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
		w.SetContent(container.NewBorder(words, button, nil, nil, frameWatch(func() { fmt.Println("first frame") })))
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

// BenchmarkTouchToPaint is the time from a finger's letting go until another picture
// is on the screen, by that of Fyne's own button that changes a line of text.
func BenchmarkTouchToPaint(b *testing.B) {
	v := flow.New(flow.DefaultRules("maple-house", languages...), 0).View()
	help := place(b, v, flow.Help)
	v.Screen, v.Back = flow.Helping, true
	back := place(b, v, flow.Back)
	const button = 760 // of the bare window, from the top
	ours := settle(b, "touched", help, back)
	bare := settle(b, "button", [2]int{683, button}, [2]int{684, button})
	b.ReportMetric(float64(ours.Milliseconds()), "ms/station")
	b.ReportMetric(float64(bare.Milliseconds()), "ms/button")
	fmt.Printf("ratio touch-to-paint %.2f\n", float64(ours)/float64(bare))
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

// settle is the middle time of touches at two places by turns.
func settle(b *testing.B, name string, places ...[2]int) time.Duration {
	dir := b.TempDir()
	screen := display(b, "-fbdir", dir)
	_, lines := program(b, screen, name)
	for lines.Scan() && lines.Text() != "first frame" {
	}
	finger := exec.Command("xdotool", "-")
	finger.Env = append(os.Environ(), "DISPLAY="+screen)
	to, err := finger.StdinPipe()
	if err == nil {
		err = finger.Start()
	}
	if err != nil {
		b.Fatalf("xdotool (Debian: xdotool): %v", err)
	}
	defer func() { to.Close(); _ = finger.Wait() }()
	picture := title(b, filepath.Join(dir, "Xvfb_screen0"))
	const still = 700 * time.Millisecond // longer than another screen is deaf
	var took []time.Duration
	for i := range 30 {
		at := places[i%len(places)]
		fmt.Fprintf(to, "mousemove %d %d\nmousedown 1\n", at[0], at[1])
		time.Sleep(still)
		before := picture()
		start := time.Now()
		fmt.Fprintln(to, "mouseup 1")
		for bytes.Equal(picture(), before) {
			if time.Since(start) > 5*time.Second {
				b.Fatalf("%s: nothing changed after touch %d at %v", name, i, at)
			}
			time.Sleep(time.Millisecond / 4)
		}
		took = append(took, time.Since(start))
		time.Sleep(still)
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// title gives the lines of the screen where a title stands, as Xvfb keeps them: after a
// header whose first word is its size and whose words 12 and 19 are the bytes of a line
// and the number of 12-byte colours (X11/XWDFile.h).
func title(b *testing.B, path string) func() []byte {
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
		band := make([]byte, 60*stride)
		if _, err := file.ReadAt(band, start+5*stride); err != nil && err != io.EOF {
			b.Fatal(err)
		}
		return band
	}
}
