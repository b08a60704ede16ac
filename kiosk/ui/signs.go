package ui

import (
	"fyne.io/fyne/v2"
)

// signs explain how something goes, in steps: pictograms with their words, side by
// side or one below the other, between the title and what else is said.
func (c *composer) signs(area box) {
	blocks, _ := c.sentences(area.w)
	title, rest := blocks[0].balanced(), blocks[1:]
	space := c.mm(5)
	c.page.write(title, box{area.x, area.y, area.w, title.height()}, ink, paper, fyne.TextAlignCenter)
	area = area.below(area.y + title.height() + space)
	for i := len(rest) - 1; i >= 0; i-- {
		bl := rest[i].balanced()
		area.h -= bl.height()
		c.page.write(bl, box{area.x, area.bottom(), area.w, bl.height()}, ink, paper, fyne.TextAlignCenter)
		area.h -= space
	}
	across, down := c.signsAcross, c.signsDown
	if area.h > area.w {
		across, down = down, across
	}
	mark := c.page
	if across(area) {
		return
	}
	if c.page = mark; !down(area) {
		c.page = mark
		c.page.fits = false
	}
}

func (c *composer) sign(b box, name string) {
	c.page.face(face{box: b, fill: card, radius: c.mm(5)})
	c.page.pictures = append(c.page.pictures, picture{box: b.inset(b.w * 0.08), icon: stepSigns[name], ink: ink, back: card, extra: accent})
}

func (c *composer) signsAcross(area box) bool {
	const least, most = 20, 75
	n := float32(len(c.view.Signs))
	gap := c.gap() * 1.5
	wide := (area.w - (n-1)*gap) / n
	var words []block
	var tall float32
	for _, s := range c.view.Signs {
		bl := set(c.show(s.Words), c.letter(), false, wide)
		if bl.wide > wide+1 {
			return false
		}
		words = append(words, bl.balanced())
		tall = max(tall, bl.height())
	}
	side := min(area.h-tall-c.mm(3), wide, c.mm(most))
	if side < c.mm(least) || c.cramped(side) {
		return false
	}
	y := area.y + (area.h-side-c.mm(3)-tall)/2
	for i, s := range c.view.Signs {
		x := area.x + float32(i)*(wide+gap)
		c.sign(box{x + (wide-side)/2, y, side, side}, s.Picture)
		c.page.write(words[i], box{x, y + side + c.mm(3), wide, words[i].height()}, ink, paper, fyne.TextAlignCenter)
	}
	return true
}

// cramped reports whether a picture is small where the words have room to give.
func (c *composer) cramped(side float32) bool {
	const fair = 32
	return side < c.mm(fair) && (c.head > 1 || c.grow > c.m.step)
}

func (c *composer) signsDown(area box) bool {
	const least, most = 18, 75
	n := float32(len(c.view.Signs))
	gap := c.mm(4)
	side := min((area.h-(n-1)*gap)/n, area.w*0.35, c.mm(most))
	if side < c.mm(least) || c.cramped(side) {
		return false
	}
	y := area.y + (area.h-n*side-(n-1)*gap)/2
	for _, s := range c.view.Signs {
		x := area.x + side + c.gap()
		bl := set(c.show(s.Words), c.letter(), false, area.right()-x)
		if bl.wide > area.right()-x+1 || bl.height() > side {
			return false
		}
		c.sign(box{area.x, y, side, side}, s.Picture)
		c.page.write(bl, box{x, y + (side-bl.height())/2, area.right() - x, bl.height()}, ink, paper, fyne.TextAlignLeading)
		y += side + gap
	}
	return true
}
