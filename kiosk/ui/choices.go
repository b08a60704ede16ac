package ui

import (
	"hash/fnv"
	"strings"
	"unicode"
	"unicode/utf8"

	"coldstation/assets"
	"coldstation/kiosk/flow"

	"fyne.io/fyne/v2"
)

// choices are people or purposes to touch, each with its picture and its words.
func (c *composer) choices(area box) {
	all := c.view.Choices
	c.grid(area, len(all), 3, func(wide float32) (high float32, ok bool) {
		for _, choice := range all {
			p, ok := c.measureChoice(wide, choice)
			if !ok {
				return 0, false
			}
			high = max(high, p.high)
		}
		return high, true
	}, func(least float32) float32 { return max(least, c.mm(36)) }, func(at box, i int) { c.choice(at, all[i]) })
}

// choiceParts are the pieces of a choice, measured.
type choiceParts struct {
	words block
	side  float32 // of the picture
	high  float32
}

// hyphened lets a double name go on two lines: the space after its hyphen is
// taken out again where it does not.
var hyphened = strings.NewReplacer("-", "- ")

func (c *composer) measureChoice(wide float32, choice flow.Choice) (p choiceParts, ok bool) {
	const most = 1.4 // a name is large, and no larger than the question
	size := c.letter() * min(c.head, most)
	p.side = min(c.mm(19)*min(c.head, most), wide*0.3)
	room := wide - p.side - 3*c.pad()
	p.words = set(hyphened.Replace(c.show(choice.Words)), size, true, room)
	for i, line := range p.words.lines {
		p.words.lines[i] = strings.ReplaceAll(line, "- ", "-")
	}
	p.high = max(c.mm(25), p.side+c.mm(6), p.words.height()+c.mm(6))
	return p, p.words.wide <= room+0.5 && len(p.words.lines) <= 2
}

func (c *composer) choice(at box, choice flow.Choice) {
	p, _ := c.measureChoice(at.w, choice)
	f := c.page.face(face{at, card, edge, max(2, c.mm(0.5)), c.mm(4)})
	c.portrait(box{at.x + c.pad(), at.y + (at.h-p.side)/2, p.side, p.side}, choice)
	x := at.x + 2*c.pad() + p.side
	c.page.write(p.words, box{x, at.y + (at.h-p.words.height())/2, p.words.wide, p.words.height()}, ink, card, fyne.TextAlignLeading)
	c.page.targets = append(c.page.targets, target{box: at, face: f, down: pressed, msg: flow.Pressed{Action: choice.Action, Who: choice.Who, List: choice.List}})
}

// portrait is the picture that a person chose, or else the first letter of the
// name; a purpose, and a person whose name nobody knows, has the action's sign.
func (c *composer) portrait(b box, choice flow.Choice) {
	icon := "person-" + choice.Picture
	if _, err := assets.Icons.Open("icons/" + icon + ".svg"); choice.Picture == "" || err != nil {
		icon = ""
	}
	first, _ := utf8.DecodeRuneInString(choice.Words.Name)
	switch {
	case icon != "":
	case first != utf8.RuneError:
		hue := hueOf(choice.Words.Name)
		c.page.face(face{box: b, fill: hue, radius: b.w / 2})
		letter := block{lines: []string{string(unicode.ToUpper(first))}, size: max(c.m.base, b.w*0.55), heavy: true}
		c.page.write(letter, box{b.x, b.y + (b.h-letter.height())/2, b.w, letter.height()}, onHue, hue, fyne.TextAlignCenter)
		return
	default:
		icon = signs[choice.Action]
		b = b.inset(b.w * 0.08)
	}
	c.page.pictures = append(c.page.pictures, picture{box: b, icon: icon, ink: ink, back: card, extra: accent})
}

// hueOf is the colour of a name, always the same.
func hueOf(name string) role {
	h := fnv.New32a()
	h.Write([]byte(name))
	return hue1 + role(h.Sum32()%uint32(hue6-hue1+1))
}
