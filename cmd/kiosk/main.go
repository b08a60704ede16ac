// Command kiosk is one station: a touchscreen, a pad, a ledger, and delivery to
// the library whenever there is a network. It runs until it is stopped; what it
// said it had noted is on the disk at any instant.
//
//	kiosk             show the screen and serve
//	kiosk enrol CODE  make this computer a station, by a code of the library's
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"coldstation/assets"
	"coldstation/cmd/internal/conf"
	"coldstation/cmd/internal/service"
	"coldstation/kiosk"
	"coldstation/kiosk/phrase"
	"coldstation/kiosk/touch"
	"coldstation/kiosk/ui"
)

func main() {
	conf.LogTo(io.MultiWriter(os.Stderr, recent))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run, args := run, os.Args[1:]
	if len(args) == 1 && args[0] == "--version" {
		fmt.Println(program)
		return
	}
	if len(args) > 0 && args[0] == "enrol" {
		run, args = enrolHere, args[1:]
	}
	err := run(ctx, args)
	if errors.Is(err, kiosk.ErrRestart) {
		err = again()
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "kiosk:", err)
		os.Exit(1)
	}
}

// run shows the window, which belongs to the main goroutine, and beside it the
// station. The end of one is the end of the other.
func run(ctx context.Context, args []string) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	folder, err := fs.Sub(assets.Words, "words")
	if err != nil {
		return err
	}
	words, err := phrase.Load(folder)
	if err != nil {
		return err
	}
	station, err := assemble(args, s, words)
	if err != nil {
		return err
	}
	if s.checkOnly {
		fmt.Println("the settings go together")
		return nil
	}
	window := ui.New(ui.Options{
		Words:       words,
		Display:     ui.Display{Diagonal: s.diagonal * 25.4, PerMM: s.perMM, Distance: s.distance},
		Send:        station.send,
		Covers:      station.blobs,
		FullScreen:  s.width == 0,
		HidePointer: s.width == 0,
		Width:       s.width,
		Height:      s.height,
		FirstFrame:  firstFrame,
	})
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- station.run(ctx, window)
		window.Close()
	}()
	go service.Watch(ctx, func(ctx context.Context) error {
		return errors.Join(window.Alive(ctx), station.alive(ctx))
	})
	if s.touch != "" {
		go touch.Keep(ctx, s.touch)
	}
	window.Run()
	cancel()
	return <-ended
}

// firstFrame is logged for whoever measures how long a start takes, and told to
// the service manager: a kiosk is there when it can be seen.
func firstFrame() {
	slog.Info("first frame")
	if err := service.Ready(); err != nil {
		slog.Warn("ready", "err", err)
	}
}
