package ui

import (
	"context"
	"fmt"

	"coldstation/kiosk/flow"

	"fyne.io/fyne/v2"
)

// Show draws a view, from any goroutine. It does not wait: of views that come
// faster than they can be drawn the last is drawn.
func (w *Window) Show(v flow.View) {
	w.mu.Lock()
	waiting := w.next != nil
	w.next = &v
	w.mu.Unlock()
	if waiting {
		return
	}
	fyne.Do(func() {
		w.mu.Lock()
		next := w.next
		w.next = nil
		w.mu.Unlock()
		w.show(*next)
	})
}

// Close ends Run, from any goroutine.
func (w *Window) Close() { fyne.Do(w.app.Quit) }

// Alive answers once the window's own loop has come round, from any goroutine; a
// loop that hangs gives ctx's error.
func (w *Window) Alive(ctx context.Context) error {
	round := make(chan struct{})
	fyne.Do(func() { close(round) })
	select {
	case <-round:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the window's loop: %w", ctx.Err())
	}
}

// afterFrame calls f once the frame that is being painted is on the screen.
func afterFrame(f func()) { fyne.Do(f) }
