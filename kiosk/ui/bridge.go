package ui

import (
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

// afterFrame calls f once the frame that is being painted is on the screen.
func afterFrame(f func()) { fyne.Do(f) }
