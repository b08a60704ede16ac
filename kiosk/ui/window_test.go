package ui

import (
	"bufio"
	"bytes"
	"fmt"
	"image/color"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coldstation/kiosk/flow"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
)

// programs are what the test binary does instead of testing when
// UI_TEST_PROGRAM names one: a window belongs to the main goroutine of a process.
var programs = map[string]func(){
	"empty": func() { // the least that Fyne can show
		w := app.NewWithID("coldstation.empty").NewWindow("Empty")
		w.SetPadded(false)
		w.SetContent(firstFrame())
		w.Resize(fyne.NewSize(1366, 768))
		w.ShowAndRun()
	},
	"station": func() {
		w := New(Options{Words: book, Send: func(flow.Msg) {}, Width: 1366, Height: 768,
			FirstFrame: func() { fmt.Println("first frame") }})
		w.Show(flow.New(flow.DefaultRules("maple-house", languages...), 0).View())
		w.Run()
	},
	"late": func() { // the first view comes when an empty window has long been painted
		w := New(Options{Words: book, Send: func(flow.Msg) {}, Width: 1366, Height: 768,
			FirstFrame: func() { fmt.Println("first frame") }})
		painted, turns := make(chan struct{}), 0
		turning := fyne.NewAnimation(time.Minute, func(float32) {
			if turns++; turns == 10 {
				close(painted)
			}
		})
		turning.Start()
		go func() {
			<-painted
			w.Show(flow.New(flow.DefaultRules("maple-house", languages...), 0).View())
		}()
		w.Run()
	},
	"busy": func() { // every screen, as fast as other goroutines can ask for it
		touched := make(chan flow.Msg, 1)
		started := make(chan struct{})
		w := New(Options{Words: book, Width: 1366, Height: 768,
			Send:       func(m flow.Msg) { touched <- m },
			FirstFrame: func() { close(started) }})
		scenes := scenes()
		go func() {
			w.Show(scenes[0].View)
			<-started
			for range 3 {
				for _, s := range scenes {
					w.Show(s.View)
				}
			}
			v := scenes[0].View
			v.Message = ""
			w.Show(v)
			fmt.Println("touch me")
			fmt.Printf("%T %+v\n", <-touched, v.Screen)
			w.Close()
		}()
		w.Run()
		fmt.Println("closed")
	},
}

// firstFrame tells of it, and covers no more than a pixel: what is painted in vain
// would be counted to Fyne's own time.
func firstFrame() fyne.CanvasObject {
	dot := frameWatch(func() { fmt.Println("first frame") })
	dot.Resize(fyne.NewSize(1, 1))
	return &fyne.Container{Objects: []fyne.CanvasObject{dot}}
}

// display starts Xvfb and answers its number.
func display(t testing.TB, options ...string) string {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	xvfb := exec.Command("Xvfb", append([]string{"-displayfd", "3", "-screen", "0", "1366x768x24", "-nolisten", "tcp", "-noreset"}, options...)...)
	xvfb.ExtraFiles = []*os.File{write}
	err = xvfb.Start()
	write.Close()
	if err != nil {
		t.Fatalf("start Xvfb (Debian: xvfb): %v", err)
	}
	t.Cleanup(func() {
		_ = xvfb.Process.Kill()
		_ = xvfb.Wait()
	})
	number, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return ":" + strings.TrimSpace(number)
}

// program runs one of programs and answers its lines as they come.
func program(t testing.TB, display, name string) (cmd *exec.Cmd, lines *bufio.Scanner) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "UI_TEST_PROGRAM="+name, "DISPLAY="+display, "LIBGL_ALWAYS_SOFTWARE=1", "HOME="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, bufio.NewScanner(io.Reader(out))
}

// TestWindow shows everything in a real window, touches it for real, and hears
// no complaint of Fyne's about goroutines: the driver for tests never complains.
func TestWindow(t *testing.T) {
	if testing.Short() {
		t.Skip("opens a window")
	}
	screen := display(t)
	cmd, lines := program(t, screen, "busy")
	var said []string
	for lines.Scan() {
		line := lines.Text()
		said = append(said, line)
		if line == "touch me" {
			x(t, screen, "xdotool", "xdotool", "mousemove", "700", "20", "mousedown", "1", "mousemove", "760", "24", "mouseup", "1")
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v", err)
	}
	if got, want := strings.Join(said, "\n"), "touch me\nflow.Touched welcome\nclosed"; got != want {
		t.Errorf("said\n%s\nwant\n%s", got, want)
	}
}

// look runs the station on a screen of its own and answers its picture, once its
// paper is there in the very colour of the palette.
func look(t *testing.T) (screen string, picture func() []byte) {
	t.Helper()
	if testing.Short() {
		t.Skip("opens a window")
	}
	dir := t.TempDir()
	screen = display(t, "-fbdir", dir)
	_, lines := program(t, screen, "station")
	for lines.Scan() && lines.Text() != "first frame" {
	}
	picture = title(t, filepath.Join(dir, "Xvfb_screen0"))
	until(t, "paper", func() bool {
		const beside = 700 // of the title's first line
		pixel := picture()[4*beside:]
		return color.NRGBA{pixel[2], pixel[1], pixel[0], 0xFF} == calm[paper]
	})
	return screen, picture
}

// x runs an X client.
func x(t *testing.T, screen, pkg, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+screen)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s (Debian: %s): %v: %s", name, pkg, err, out)
	}
}

// until waits for something to be on the screen.
func until(t *testing.T, what string, seen func() bool) {
	t.Helper()
	for start := time.Now(); !seen(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("not seen: %s", what)
		}
	}
}

// TestLate: a view that comes after the window was painted empty is painted too. Fyne
// is not told by what is new in the window, since it does not know it yet.
func TestLate(t *testing.T) {
	if testing.Short() {
		t.Skip("opens a window")
	}
	_, lines := program(t, display(t), "late")
	seen := make(chan bool, 1)
	go func() {
		for lines.Scan() && lines.Text() != "first frame" {
		}
		seen <- lines.Text() == "first frame"
	}()
	select {
	case painted := <-seen:
		if !painted {
			t.Error("the program ended without a first frame")
		}
	case <-time.After(20 * time.Second):
		t.Error("no first frame")
	}
}

// TestSleep: the picture comes back after the display slept. A screen saver's window
// is the dark here, since Xvfb has no power to save: the X server keeps nothing of
// what lies below, as if the screen had been lost.
func TestSleep(t *testing.T) {
	screen, picture := look(t)
	awake := picture()
	x(t, screen, "x11-xserver-utils", "xset", "s", "noblank", "s", "expose")
	for range 3 {
		x(t, screen, "x11-xserver-utils", "xset", "s", "activate")
		until(t, "a screen saver", func() bool { return !bytes.Equal(picture(), awake) })
		x(t, screen, "x11-xserver-utils", "xset", "s", "reset")
		until(t, "the station again", func() bool { return bytes.Equal(picture(), awake) })
	}
}

// TestSlideOff: a button that a finger slid off, to let go beside it, looks as before.
func TestSlideOff(t *testing.T) {
	screen, picture := look(t)
	finger := func(args ...string) { t.Helper(); x(t, screen, "xdotool", "xdotool", args...) }
	before := picture()
	finger("mousemove", "60", "50", "mousedown", "1") // the first language
	until(t, "a pressed button", func() bool { return !bytes.Equal(picture(), before) })
	finger("mousemove", "700", "400")
	until(t, "a button let go", func() bool { return bytes.Equal(picture(), before) })
	finger("mouseup", "1")
	finger("mousemove", "60", "50", "mousedown", "1")
	until(t, "the button pressed again", func() bool { return !bytes.Equal(picture(), before) })
}

func middle(d []time.Duration) time.Duration { slices.Sort(d); return d[len(d)/2] }

// BenchmarkFirstFrame is the time from starting the program to the first view
// on the screen, by that of an empty Fyne window, one after the other.
func BenchmarkFirstFrame(b *testing.B) {
	screen := display(b)
	first := func(name string) time.Duration {
		start := time.Now()
		cmd, lines := program(b, screen, name)
		for lines.Scan() {
			if lines.Text() == "first frame" {
				took := time.Since(start)
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
				return took
			}
		}
		b.Fatalf("%s ended without a frame", name)
		return 0
	}
	first("station") // warm the disk's cache
	var ours, bare []time.Duration
	round := func() {
		bare = append(bare, first("empty"))
		ours = append(ours, first("station"))
	}
	for b.Loop() {
		round()
	}
	for len(ours) < 15 { // a machine that does other things too needs a fair number
		round()
	}
	b.ReportMetric(float64(middle(ours).Milliseconds()), "ms/station")
	b.ReportMetric(float64(middle(bare).Milliseconds()), "ms/empty")
	fmt.Printf("ratio kiosk-first-frame %.2f\n", float64(middle(ours))/float64(middle(bare)))
}
