package ui

import (
	"fmt"
	"image/color"
	"strings"

	"coldstation/assets"
	"coldstation/kiosk/flow"

	"fyne.io/fyne/v2"
)

// icons are drawings already coloured, by name and colours; there are few.
var icons = map[string]fyne.Resource{}

// icon is a drawing of assets.Icons in the colours of a theme.
func icon(name string, ink, behind, accent color.NRGBA) fyne.Resource {
	key := fmt.Sprintf("%s-%x-%x-%x.svg", name, ink, behind, accent)
	if r := icons[key]; r != nil {
		return r
	}
	svg, err := assets.Icons.ReadFile("icons/" + name + ".svg")
	if err != nil {
		panic("ui: " + err.Error()) // embedded: our own fault, and a test would have seen it
	}
	hex := func(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }
	text := string(svg)
	if !strings.Contains(text, "fill=") {
		text = strings.NewReplacer("<path ", `<path fill="#000000" `, "<circle ", `<circle fill="#000000" `).Replace(text)
	}
	text = strings.NewReplacer("#000000", hex(ink), "#ffffff", hex(behind), "#ff0000", hex(accent)).Replace(text)
	r := fyne.NewStaticResource(key, []byte(text))
	icons[key] = r
	return r
}

// signs stand before the words of a button.
var signs = map[flow.Action]string{
	flow.Back: "back", flow.Help: "help", flow.Undo: "undo", flow.UndoThis: "undo", flow.Redo: "redo",
	flow.BorrowIt: "borrow", flow.Continue: "next", flow.StillHere: "here", flow.SayAgain: "say",
	flow.Receipt: "receipt", flow.Finish: "finish",
}

// fateSigns stand before the state of an item, each in its colour.
var fateSigns = map[flow.Fate]struct {
	name string
	role role
}{
	flow.Waiting: {"wait", ink}, flow.Saving: {"wait", ink},
	flow.Borrowed: {"done", good}, flow.Returned: {"done", good}, flow.Boxed: {"box", good},
	flow.Undone: {"undo", ink}, flow.AskStaff: {"staff", care}, flow.Keep: {"staff", care},
	flow.Unread: {"help", care}, flow.Left: {"info", care},
}

// pictograms show what the words of a screen ask for.
var pictograms = map[flow.Screen][]string{
	flow.Welcome: {"pad-card", "pad-book"}, flow.Visiting: {"pad-book"}, flow.Helping: {"pad-card", "pad-book", "shelf"},
	flow.StillThere: {"question"}, flow.Resting: {"pad-empty"},
}
