package iso28560

import "strings"

// The three tables of an ISIL. Codes from len(chars) on are the switches.
const (
	upper = iota
	lower
	digit
)

var isilTables = [3]struct {
	width        int
	chars        string
	latch, shift [3]byte // code to go to the other table; 0 for itself
}{
	upper: {5, "-ABCDEFGHIJKLMNOPQRSTUVWXYZ:", [3]byte{lower: 28, digit: 30}, [3]byte{lower: 29, digit: 31}},
	lower: {5, "-abcdefghijklmnopqrstuvwxyz/", [3]byte{upper: 28, digit: 30}, [3]byte{upper: 29, digit: 31}},
	digit: {4, "0123456789-:", [3]byte{upper: 12, lower: 14}, [3]byte{upper: 13, lower: 15}},
}

// packISIL writes an ISIL in as few bits as there can be. ok is false for the
// empty text and for a character that no table has.
//
// cost[t] is the fewest bits for what is written so far, with table t latched.
func packISIL(s string) (data []byte, ok bool) {
	const never = 1 << 30
	type step struct {
		from  int  // table latched before the character
		via   int  // table of the character
		latch bool // whether via stays
	}
	cost := [3]int{upper: 0, lower: never, digit: never}
	steps := make([][3]step, len(s))
	for i := range len(s) {
		next := [3]int{never, never, never}
		relax := func(to, bits int, by step) {
			if bits < next[to] {
				next[to], steps[i][to] = bits, by
			}
		}
		for via, table := range isilTables {
			if strings.IndexByte(table.chars, s[i]) < 0 {
				continue
			}
			relax(via, cost[via]+table.width, step{from: via, via: via})
			for from, old := range isilTables {
				if from != via {
					bits := cost[from] + old.width + table.width
					relax(from, bits, step{from: from, via: via})
					relax(via, bits, step{from: from, via: via, latch: true})
				}
			}
		}
		cost = next
	}
	end := upper
	for t, bits := range cost {
		if bits < cost[end] {
			end = t
		}
	}
	if s == "" || cost[end] >= never {
		return nil, false
	}
	path := make([]step, len(s))
	for i, t := len(s)-1, end; i >= 0; i-- {
		path[i] = steps[i][t]
		t = path[i].from
	}
	var p packer
	for i, by := range path {
		if from := isilTables[by.from]; by.latch {
			p.add(from.latch[by.via], from.width)
		} else if by.from != by.via {
			p.add(from.shift[by.via], from.width)
		}
		p.add(byte(strings.IndexByte(isilTables[by.via].chars, s[i])), isilTables[by.via].width)
	}
	return p.fill(1, 1), true
}

// unpackISIL reads an ISIL; ok is false if it does not end in a fill of ones.
func unpackISIL(data []byte) (s string, ok bool) {
	var b strings.Builder
	u := unpacker{data: data}
	latched, table := upper, upper
	end := 0 // behind the last character
	for u.left() >= isilTables[table].width {
		t := &isilTables[table]
		code := u.take(t.width)
		if int(code) < len(t.chars) {
			b.WriteByte(t.chars[code])
			table, end = latched, u.pos
			continue
		}
		from := table
		for to := range isilTables {
			switch {
			case to == from:
			case code == t.latch[to]:
				latched, table = to, to
			case code == t.shift[to]:
				table = to
			}
		}
	}
	u.pos = end
	return b.String(), u.rest(0xFF) && b.Len() > 0
}
