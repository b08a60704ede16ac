package ui

import (
	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"

	"fyne.io/fyne/v2"
)

// Still is a screen without a window, for pictures of it. It needs a Fyne app
// to exist, running or not.
func Still(book phrase.Book, d Display, v flow.View) fyne.CanvasObject {
	s := newSheet(book, d, func(flow.Msg) {}, true)
	s.view, s.turned = v, opened(v)
	return s.content
}
