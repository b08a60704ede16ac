package speech

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
)

var sinuhe = flow.Line{Item: circ.Item{ID: "1", Title: "Sinuhe"}, Fate: flow.Borrowed,
	Words: flow.Phrase{Key: "fate.due.day", Day: time.Date(2026, 12, 14, 0, 0, 0, 0, time.UTC)}}

func line(title string, fate flow.Fate, words string) flow.Line {
	return flow.Line{Item: circ.Item{Title: title}, Fate: fate, Words: flow.Phrase{Key: words, N: 1}}
}

func TestScript(t *testing.T) {
	borrowed := flow.View{
		Screen:  flow.Visiting,
		Title:   flow.Phrase{Key: "borrowed", Title: "Sinuhe"},
		Text:    []flow.Phrase{{Key: "due.day", Day: sinuhe.Words.Day}, {Key: "more"}},
		Lines:   []flow.Line{sinuhe},
		Buttons: []flow.Button{{Action: flow.Undo, Words: flow.Phrase{Key: "action.undo"}}, {Action: flow.SayAgain, Words: flow.Phrase{Key: "action.again"}}},
		Help:    true,
	}
	two := borrowed
	two.Lines = []flow.Line{line("Emma", flow.Boxed, "fate.boxed"), sinuhe}
	two.Lines[0].Button = flow.Button{Action: flow.BorrowIt, Words: flow.Phrase{Key: "action.borrow"}}
	waiting := flow.View{
		Screen: flow.Visiting,
		Title:  flow.Phrase{Key: "showcard", N: 2},
		Lines:  []flow.Line{line("Emma", flow.Waiting, "fate.waiting"), line("", flow.Waiting, "fate.waiting"), line("", flow.Unread, "fate.unread")},
	}
	undoing := flow.View{
		Screen: flow.Undoing,
		Title:  flow.Phrase{Key: "undo"},
		Lines:  []flow.Line{sinuhe},
		Back:   true,
	}
	undoing.Lines[0].Button = flow.Button{Action: flow.UndoThis, Words: flow.Phrase{Key: "action.undothis"}}
	rest := flow.View{Title: flow.Phrase{Key: "welcome"}, Message: "Kahvia 3.12. klo 14.30"}
	tests := []struct {
		name       string
		view       flow.View
		aloud, all bool
		want       []string
	}{
		{"a loan", borrowed, false, false, []string{
			"Lainasit tämän kirjan.", "Palautuspäivä on maanantai neljästoista joulukuuta.", "Voit laittaa lisää kirjoja. Tai ota kirjat ja kortti mukaasi."}},
		{"a loan, aloud", borrowed, true, false, []string{
			"Lainasit kirjan Sinuhe.", "Palautuspäivä on maanantai neljästoista joulukuuta.", "Voit laittaa lisää kirjoja. Tai ota kirjat ja kortti mukaasi."}},
		{"a loan, again", borrowed, false, true, []string{
			"Lainasit tämän kirjan.", "Palautuspäivä on maanantai neljästoista joulukuuta.", "Voit laittaa lisää kirjoja. Tai ota kirjat ja kortti mukaasi.",
			"Kirja 1, Palautuspäivä maanantai neljästoista joulukuuta.", "Painikkeet: En tarkoittanut tätä, Toista, Apua."}},
		{"a book for the box and a loan", two, true, false, []string{
			"Lainasit kirjan Sinuhe.", "Palautuspäivä on maanantai neljästoista joulukuuta.", "Voit laittaa lisää kirjoja. Tai ota kirjat ja kortti mukaasi.",
			"Yhteensä 2 kirjaa.", "Emma, Laita laatikkoon."}},
		{"both, again", two, false, true, []string{
			"Lainasit tämän kirjan.", "Palautuspäivä on maanantai neljästoista joulukuuta.", "Voit laittaa lisää kirjoja. Tai ota kirjat ja kortti mukaasi.",
			"Yhteensä 2 kirjaa.", "Kirja 1, Laita laatikkoon.", "Kirja 2, Palautuspäivä maanantai neljästoista joulukuuta.",
			"Kirja 1: Painike Lainaa tämä.", "Painikkeet: En tarkoittanut tätä, Toista, Apua."}},
		{"what the title says is not said twice", waiting, true, false, []string{
			"Laita kortti lukualustalle, niin voit lainata kirjat.", "Yhteensä 3 kirjaa.", "Kirja 3, Kirja, jota en tunnista."}},
		{"to choose, all is said", undoing, false, false, []string{
			"Mitä kirjaa et tarkoittanut?", "Kirja 1, Palautuspäivä maanantai neljästoista joulukuuta.", "Kirja 1: Painike En tätä.", "Painike: Takaisin."}},
		{"the library's message", rest, false, true, []string{"Tervetuloa.", "Kahvia 3 12. klo 14 30."}},
	}
	fi := words(t)["fi"]
	for _, test := range tests {
		got := strings.Split(strings.TrimSuffix(text(script{fi, test.view, test.aloud}.screen(test.all)), "\n"), "\n")
		if !slices.Equal(got, test.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", test.name, got, test.want)
		}
	}
}

// TestEverySaid: nothing of any screen, in any language, is what a voice cannot
// say; and without leave no name and no title.
func TestEverySaid(t *testing.T) {
	unsayable := regexp.MustCompile(`\d\.|[a-z]\.[a-z]|[{}\[\]<>/]`)
	for tag, w := range words(t) {
		for _, key := range flow.Keys {
			p := flow.Phrase{Key: key, Name: "Helmi", Title: "Sinuhe", N: 3, Day: sinuhe.Words.Day}
			v := flow.View{Title: p, Text: []flow.Phrase{p}, Lines: []flow.Line{{Item: circ.Item{Title: "Sinuhe"}, Words: p}, sinuhe}, Help: true}
			said := text(script{w, v, false}.screen(true))
			if bad := unsayable.FindString(said); bad != "" || strings.Contains(said, "Helmi") || strings.Contains(said, "Sinuhe") {
				t.Errorf("%s of %s says %q: %s", key, tag, bad, said)
			}
		}
	}
}
