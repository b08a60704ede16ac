package ui

import (
	"context"
	"fmt"
	"time"

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
	select {
	case w.shown <- struct{}{}:
	default:
	}
	fyne.Do(w.catchUp)
}

// catchUp draws the last view that waits to be drawn, if one does.
func (w *Window) catchUp() {
	w.mu.Lock()
	next := w.next
	w.next = nil
	w.mu.Unlock()
	if next != nil {
		w.show(*next)
	}
}

// send passes on what a finger did, and draws what comes of it in the frame that
// shows the finger let go: a frame of its own for that would come first and cost
// as much as the answer's. What is not answered at once is drawn when it comes.
func (w *Window) send(m flow.Msg) {
	const patience = 8 * time.Millisecond // half a frame
	select {
	case <-w.shown: // by a view that came before
	default:
	}
	w.out(m)
	select {
	case <-w.shown:
		w.catchUp()
	case <-time.After(patience):
	}
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
