package ui

import (
	"math"
	"strings"
	"sync"

	"coldstation/assets"

	"fyne.io/fyne/v2"
)

var (
	regular = fyne.NewStaticResource("AtkinsonHyperlegible-Regular.ttf", assets.Regular)
	bold    = fyne.NewStaticResource("AtkinsonHyperlegible-Bold.ttf", assets.Bold)
)

// leading is the height of a line, for a size of 1.
const leading = 1.24

func typeface(heavy bool) fyne.Resource {
	if heavy {
		return bold
	}
	return regular
}

// width is how wide words are when set in a size.
func width(words string, size float32, heavy bool) float32 {
	return measures.of(words, heavy) * float32(math.Ceil(float64(size))) // Fyne sets type in whole pixels
}

// measures are the widths of words for a size of 1. A screen is laid out many times
// before it is right, with the same words in other sizes.
var measures = measured{known: map[setting]float32{}}

type measured struct {
	mu    sync.Mutex
	known map[setting]float32
}

type setting struct {
	words string
	heavy bool
}

func (m *measured) of(words string, heavy bool) float32 {
	const size, most = 256, 1 << 13
	m.mu.Lock()
	defer m.mu.Unlock()
	w, known := m.known[setting{words, heavy}]
	if !known {
		s, _ := fyne.CurrentApp().Driver().RenderedTextSize(words, size, fyne.TextStyle{Bold: heavy}, typeface(heavy))
		if w = s.Width / size; len(m.known) >= most {
			clear(m.known)
		}
		m.known[setting{words, heavy}] = w
	}
	return w
}

// forget forgets the words of a visit.
func (m *measured) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.known)
}

// block is words broken into lines.
type block struct {
	lines []string
	size  float32
	heavy bool
	wide  float32 // the widest line
}

func (b block) height() float32 { return float32(len(b.lines)) * b.size * leading }

// set breaks words into lines no wider than wide. Words are broken between
// words only; one that is wider stays whole, and block.wide tells.
func set(words string, size float32, heavy bool, wide float32) block {
	b := block{size: size, heavy: heavy}
	add := func(line string, w float32) {
		b.lines = append(b.lines, line)
		b.wide = max(b.wide, w)
	}
	var line string
	var lineWidth float32
	for _, word := range strings.Fields(words) {
		longer := strings.TrimLeft(line+" "+word, " ")
		if w := width(longer, size, heavy); line == "" || w <= wide {
			line, lineWidth = longer, w
			continue
		}
		add(line, lineWidth)
		line, lineWidth = word, width(word, size, heavy)
	}
	if line != "" {
		add(line, lineWidth)
	}
	return b
}

// balanced is the same words on as many lines, of more equal length.
func (b block) balanced() block {
	words := strings.Join(b.lines, " ")
	least, best := b.wide/float32(len(b.lines)+1), b
	for range 6 {
		middle := (least + best.wide) / 2
		if try := set(words, b.size, b.heavy, middle); len(try.lines) == len(b.lines) && try.wide <= best.wide {
			best = try
		} else {
			least = middle
		}
	}
	return best
}

// short is a block of at most n lines no wider than wide. What is cut ends in
// an ellipsis: a title that goes on is still that title.
func (b block) short(n int, wide float32) block {
	const ellipsis = "…"
	cut := len(b.lines) > n
	if cut {
		b.lines = append([]string(nil), b.lines[:n]...)
	}
	b.wide = 0
	for i, line := range b.lines {
		last := cut && i == n-1
		if w := width(line, b.size, b.heavy); w > wide || last {
			runes := []rune(line)
			for len(runes) > 1 && width(string(runes)+ellipsis, b.size, b.heavy) > wide {
				runes = runes[:len(runes)-1]
			}
			line = strings.TrimRight(string(runes), " ,.") + ellipsis
			b.lines[i] = line
		}
		b.wide = max(b.wide, width(b.lines[i], b.size, b.heavy))
	}
	return b
}

// narrow is the smallest width in which words take at most n lines.
func narrow(words string, size float32, heavy bool, n int) float32 {
	if n == 1 {
		return width(words, size, heavy)
	}
	// Only the sums of neighbouring words can be the answer.
	fields := strings.Fields(words)
	best := width(words, size, heavy)
	for i := range fields {
		for j := i + 1; j <= len(fields); j++ {
			if w := width(strings.Join(fields[i:j], " "), size, heavy); w < best {
				if b := set(words, size, heavy, w); len(b.lines) <= n && b.wide <= w {
					best = w
				}
			}
		}
	}
	return best
}

// write puts a block on the page from the top of b.
func (p *page) write(bl block, b box, r, on role, align fyne.TextAlign) {
	for i, line := range bl.lines {
		at := box{b.x, b.y + float32(i)*bl.size*leading, b.w, bl.size * leading}
		p.texts = append(p.texts, text{at, line, bl.size, bl.heavy, r, on, align})
	}
}
