package cover

import (
	"image/color"
	"math"
)

// pattern fills an area, which is already light, with shapes in ink. The seed
// shifts it a little, so that two books on one subject differ.
type pattern func(p *pen, area box, ink color.Color, seed uint32)

var patterns = []pattern{waves, leaves, hearts, arches, diamonds, slats, confetti, stars, houses, chevrons}

// grid calls f for the centre of every cell of about step pixels, a little over
// the edge; odd rows are shifted by half a cell.
func grid(area box, step float64, f func(x, y float64, n int)) {
	n := 0
	for row := -1; float64(row-1)*step < area.h; row++ {
		shift := 0.0
		if row&1 != 0 {
			shift = step / 2
		}
		for column := -1; float64(column-1)*step < area.w; column++ {
			f(area.x+float64(column)*step+shift, area.y+(float64(row)+0.5)*step, n)
			n++
		}
	}
}

func waves(p *pen, area box, ink color.Color, seed uint32) {
	step := area.h / 4
	length := area.w / float64(2+seed%2)
	for y := area.y + step*0.5; y < area.y+area.h+step; y += step {
		var upper, lower shape
		for x := area.x; x <= area.x+area.w+2; x += 2 {
			d := math.Sin((x-area.x)/length*2*math.Pi+float64(seed%6)) * step * 0.28
			upper = append(upper, point{x, y + d})
			lower = append(lower, point{x, y + d + step*0.42})
		}
		p.fill(ink, append(upper, backwards(lower)...))
	}
}

func leaves(p *pen, area box, ink color.Color, seed uint32) {
	step := area.h / 2.2
	grid(area, step, func(x, y float64, n int) {
		r := step * 0.56
		lean := math.Pi/4 + float64((uint32(n)+seed)%2)*math.Pi/2
		// A leaf is where two circles overlap.
		var s shape
		for _, side := range []float64{1, -1} {
			for i := range 13 {
				t := (float64(i)/12 - 0.5) * math.Pi / 1.6
				u, v := side*r*math.Sin(t), side*(r*math.Cos(t)-r*0.55)
				s = append(s, point{x + u*math.Cos(lean) - v*math.Sin(lean), y + u*math.Sin(lean) + v*math.Cos(lean)})
			}
		}
		p.fill(ink, s)
	})
}

func hearts(p *pen, area box, ink color.Color, seed uint32) {
	step := area.h / (1.8 + float64(seed%2)*0.5)
	grid(area, step, func(x, y float64, _ int) {
		r := step * 0.34
		var s shape
		for i := range 48 {
			t := float64(i) / 48 * 2 * math.Pi
			s = append(s, point{x + r*math.Pow(math.Sin(t), 3),
				y - r/16*(13*math.Cos(t)-5*math.Cos(2*t)-2*math.Cos(3*t)-math.Cos(4*t))})
		}
		p.fill(ink, s)
	})
}

func arches(p *pen, area box, ink color.Color, seed uint32) {
	n := 3 + int(seed%2)
	wide := area.w / float64(n)
	for i := range n {
		x := area.x + wide*(float64(i)+0.5)
		for _, r := range []float64{0.42, 0.22} {
			outer := arc(x, area.y+area.h*0.55, wide*r, math.Pi, 2*math.Pi)
			inner := arc(x, area.y+area.h*0.55, wide*(r-0.10), math.Pi, 2*math.Pi)
			p.fill(ink, append(append(append(shape{{x - wide*r, area.y + area.h}}, outer...), point{x + wide*r, area.y + area.h}, point{x + wide*(r-0.10), area.y + area.h}), append(backwards(inner), point{x - wide*(r-0.10), area.y + area.h})...))
		}
	}
}

func diamonds(p *pen, area box, ink color.Color, seed uint32) {
	step := area.h / (2 + float64(seed%2)*0.5)
	grid(area, step, func(x, y float64, _ int) {
		for i, r := range []float64{0.46, 0.16} {
			s := shape{{x, y - r*step}, {x + r*step, y}, {x, y + r*step}, {x - r*step, y}}
			if i == 0 {
				hole := r - 0.12
				p.fill(ink, s, shape{{x - hole*step, y}, {x, y + hole*step}, {x + hole*step, y}, {x, y - hole*step}})
				continue
			}
			p.fill(ink, s)
		}
	})
}

func slats(p *pen, area box, ink color.Color, seed uint32) {
	step := area.h / (3 + float64(seed%2))
	lean := area.h * 0.7
	for x := area.x - lean; x < area.x+area.w; x += step {
		p.fill(ink, shape{{x + lean, area.y}, {x + lean + step/2, area.y}, {x + step/2, area.y + area.h}, {x, area.y + area.h}})
	}
}

func confetti(p *pen, area box, ink color.Color, seed uint32) {
	step := area.h / 2.6
	grid(area, step, func(x, y float64, n int) {
		p.fill(ink, circle(x, y, step*[]float64{0.34, 0.20, 0.27}[(uint32(n)+seed)%3]))
	})
}

func stars(p *pen, area box, ink color.Color, seed uint32) {
	step := area.h / 1.9
	grid(area, step, func(x, y float64, n int) {
		turn := float64((uint32(n)+seed)%3) * 0.35
		var s shape
		for i := range 10 {
			r := step * 0.40
			if i&1 != 0 {
				r *= 0.45
			}
			a := turn - math.Pi/2 + float64(i)*math.Pi/5
			s = append(s, point{x + r*math.Cos(a), y + r*math.Sin(a)})
		}
		p.fill(ink, s)
	})
}

func houses(p *pen, area box, ink color.Color, seed uint32) {
	n := 3 + int(seed%2)
	wide := area.w / float64(n)
	for i := range n {
		x, tall := area.x+wide*float64(i), area.h*[]float64{0.52, 0.70, 0.60}[(uint32(i)+seed)%3]
		foot := area.y + area.h
		roof := foot - tall
		door := wide * 0.2
		p.fill(ink,
			shape{{x + wide*0.08, foot}, {x + wide*0.08, roof}, {x + wide/2, roof - wide*0.38}, {x + wide*0.92, roof}, {x + wide*0.92, foot}},
			backwards(rectangle(x+wide/2-door/2, foot-tall*0.4, door, tall*0.4)),
			backwards(rectangle(x+wide*0.2, roof+tall*0.12, door, door)),
			backwards(rectangle(x+wide*0.6, roof+tall*0.12, door, door)))
	}
}

func chevrons(p *pen, area box, ink color.Color, seed uint32) {
	step := area.h / (3 + float64(seed%2)*0.5)
	wide := area.w / 2
	for y := area.y - wide; y < area.y+area.h; y += step {
		for side := range 2 {
			x := area.x + wide*float64(side)
			p.fill(ink, shape{{x, y + wide/2}, {x + wide/2, y}, {x + wide, y + wide/2}, {x + wide, y + wide/2 + step/2}, {x + wide/2, y + step/2}, {x, y + wide/2 + step/2}})
		}
	}
}
