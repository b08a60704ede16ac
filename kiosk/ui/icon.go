package ui

import (
	"fmt"
	"image"
	"image/color"
	"strings"

	"coldstation/assets"
	"coldstation/kiosk/flow"

	"github.com/fyne-io/oksvg"
	"github.com/srwiley/rasterx"
)

// drawIcon draws an icon of assets.Icons. Fyne would do it for a resource, but into
// an image of a kind that takes ten times as long and with the first frame waiting.
func drawIcon(k drawing) image.Image {
	svg, err := assets.Icons.ReadFile("icons/" + k.icon + ".svg")
	if err != nil {
		panic("ui: " + err.Error()) // embedded: our own fault, and a test would have seen it
	}
	text := string(svg)
	if !strings.Contains(text, "fill=") {
		text = strings.NewReplacer("<path ", `<path fill="#000000" `, "<circle ", `<circle fill="#000000" `).Replace(text)
	}
	hex := func(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }
	text = strings.NewReplacer("#000000", hex(k.ink), "#ffffff", hex(k.back), "#ff0000", hex(k.accent)).Replace(text)
	svgIcon, err := oksvg.ReadIconStream(strings.NewReader(text))
	if err != nil {
		panic("ui: icon " + k.icon + ": " + err.Error())
	}
	to := image.NewRGBA(image.Rect(0, 0, k.width, k.height))
	svgIcon.SetTarget(0, 0, float64(k.width), float64(k.height))
	svgIcon.Draw(rasterx.NewDasher(k.width, k.height, rasterx.NewScannerGV(k.width, k.height, to, to.Bounds())), 1)
	return to
}

// signs stand before the words of a button.
var signs = map[flow.Action]string{
	flow.Back: "back", flow.Help: "help", flow.Undo: "undo", flow.UndoThis: "undo", flow.Redo: "redo",
	flow.BorrowIt: "borrow", flow.Continue: "next", flow.StillHere: "here", flow.SayAgain: "say",
	flow.Receipt: "receipt", flow.Finish: "finish", flow.Looks: "letter",
	flow.ForThem: "person", flow.ForHouse: "house", flow.NoCard: "person", flow.IAm: "person", flow.Erase: "erase", flow.Enter: "done",
	flow.MyLoans: "loans", flow.Renew: "renew", flow.AllSeen: "done", flow.NotAll: "not", flow.ForOther: "resident", flow.ForMyself: "person",
	flow.Wellbeing: "done", flow.Try: "next", flow.Call: "letter", flow.StartAnew: "redo", flow.Wipe: "not",
	flow.Measure: "measure", flow.Larger: "larger", flow.Smaller: "smaller", flow.Fits: "done",

	flow.Receive: "parcel", flow.TakeOut: "takeout", flow.CountShelf: "count", flow.SortBox: "box", flow.ThisBox: "parcel",
	flow.Accept: "done", flow.EnoughOut: "done", flow.AllCounted: "done", flow.WholeShelf: "shelf", flow.PartShelf: "shelf-part",
	flow.ShowMissing: "question", flow.ShowLent: "loans", flow.ShowAstray: "box", flow.SendCount: "done", flow.TakeBack: "undo", flow.BoxEmptied: "done",
}

func init() { // how a part is
	for _, part := range flow.Parts {
		signs[flow.PartAction(part, false)], signs[flow.PartAction(part, true)] = "done", "info"
	}
}

// fateSigns stand before the state of an item, each in its colour.
var fateSigns = map[flow.Fate]struct {
	name string
	role role
}{
	flow.Waiting: {"wait", ink}, flow.Saving: {"wait", ink},
	flow.Borrowed: {"done", good}, flow.Returned: {"done", good}, flow.Boxed: {"box", good},
	flow.Undone: {"undo", ink}, flow.AskStaff: {"staff", care}, flow.Keep: {"staff", care},
	flow.Unread: {"help", care}, flow.Left: {"info", care}, flow.Housed: {"house", good}, flow.Held: {"date", ink},
	flow.Arrived: {"done", good}, flow.Extra: {"info", care}, flow.OtherBox: {"parcel", ink}, flow.Astray: {"box", care},
	flow.LentHere: {"loans", care}, flow.Sought: {"question", ink}, flow.Away: {"date", ink}, flow.Removed: {"done", good},
	flow.Stays: {"shelf", ink}, flow.Present: {"done", good},
}

// pictograms show what the words of a screen ask for.
var pictograms = map[flow.Screen][]string{
	flow.Welcome: {"pad-card", "pad-book"}, flow.Visiting: {"pad-book"}, flow.Counting: {"pad-book"},
	flow.StillThere: {"question"}, flow.Resting: {"pad-empty"}, flow.Listing: {"shelf"}, flow.Unlocking: {"question"},
	flow.Receiving: {"parcel", "pad-book"}, flow.TakingOut: {"shelf"}, flow.Shelving: {"shelf", "pad-book"}, flow.ShelfResult: {"shelf"}, flow.ShelfGroup: {"shelf"},
	flow.Boxes: {"box"}, flow.DeskDone: {"pad-take"},
}

// steps of help, as flow names them.
var stepSigns = map[string]string{"card": "pad-card", "books": "pad-book", "done": "pad-take"}
