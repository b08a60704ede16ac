// Command demo puts a whole library on this machine: a hub with a demo
// collection, one station, and a simulated RFID pad. With a display it opens
// the station's window and says what to try; without one it plays a visit on a
// display in memory, keeps pictures of it, and says what the hub then knows.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"coldstation/cmd/internal/stage"
)

func main() {
	bin := flag.String("bin", "build/bin", "`folder` of the built programs")
	out := flag.String("out", "build/demo", "`folder` for pictures, data and logs; emptied first")
	keep := flag.Bool("keep", false, "leave everything running until Ctrl+C")
	flag.Parse()
	if err := run(*bin, *out, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(bin, out string, keep bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	if out, err = filepath.Abs(out); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(out), os.MkdirAll(out, 0o755)); err != nil {
		return err
	}
	s := &stage.Stage{Dir: out, Bin: bin}
	defer s.Close()

	starting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	library, err := s.Library(starting, "")
	if err != nil {
		return err
	}
	fmt.Println("The library's page:  ", library.Web)
	if os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "" {
		kiosk, err := library.Kiosk(starting, "maple-house", nil, "--window", "1280x800")
		if err != nil {
			return err
		}
		invite(bin, kiosk)
		return stay(ctx, kiosk)
	}

	screen, err := s.Screen(starting, 1280, 800)
	if err != nil {
		return err
	}
	kiosk, err := library.Kiosk(starting, "maple-house", screen.Env(), "--window", "1280x800")
	if err != nil {
		return err
	}
	playing, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := play(playing, library, kiosk, screen); err != nil {
		return errors.Join(err, fmt.Errorf("the station's log ends:\n%s", kiosk.Tail(15)))
	}
	if keep {
		fmt.Println("\nThe station shows on display", screen.Display)
		invite(bin, kiosk)
		return stay(ctx, kiosk)
	}
	return nil
}

func invite(bin string, kiosk *stage.Kiosk) {
	fmt.Printf(`
Try this in another terminal (the names are those of the table beside the pad;
"list" shows them all):

  %[1]s list --control %[2]s
  %[1]s put  --control %[2]s helmi
  %[1]s put  --control %[2]s sinuhe
  %[1]s lift --control %[2]s helmi sinuhe

Ctrl+C ends it.
`, filepath.Join(bin, "readersim"), kiosk.Pad.Control)
}

func stay(ctx context.Context, kiosk *stage.Kiosk) error {
	select {
	case <-ctx.Done():
		return nil
	case <-kiosk.Done():
		return kiosk.Alive()
	}
}
