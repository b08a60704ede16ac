package web

import "strconv"

// headcount is a number of people. One that is so small that somebody could be
// recognised is hidden, and with it whatever it could be counted from.
//
// Beyond what is masked here, someone who asks for one time after another that
// differ by a day can still tell how many cards came on that day; the pages have
// no other secret from those who may read a station's timeline.
type headcount struct {
	n      int
	hidden bool
}

// text is the number, or a sign that there is none to be seen.
func (p headcount) text() string {
	if p.hidden {
		return "*"
	}
	return strconv.Itoa(p.n)
}

// shown is the number for a script; nil where it is hidden.
func (p headcount) shown() *int {
	if p.hidden {
		return nil
	}
	return &p.n
}

// counted are numbers of people, of which those too small are hidden.
func counted(fewest int, numbers ...int) []headcount {
	all := make([]headcount, len(numbers))
	for i, n := range numbers {
		all[i] = headcount{n, small(fewest, n)}
	}
	return all
}

func small(fewest, n int) bool { return n > 0 && n < fewest }

// part is a number of people that are among others: hidden if it, or how many the
// others are without it, is too small, and always where the others' number is hidden.
func part(fewest int, whole headcount, n int) headcount {
	return headcount{n, whole.hidden || small(fewest, n) || small(fewest, whole.n-n)}
}

// mask hides more of some groups whose total is told: as long as a single one is
// hidden, or those that are hold less than fewest people altogether, the smallest
// other one is hidden too. Else they could be counted from the total and the others.
func mask(fewest int, groups []headcount) []headcount {
	for {
		hidden, cells, next := 0, 0, -1
		for i, p := range groups {
			switch {
			case p.hidden && p.n > 0:
				hidden += p.n
				cells++
			case p.n > 0 && !p.hidden && (next < 0 || p.n < groups[next].n):
				next = i
			}
		}
		if cells == 0 || cells > 1 && hidden >= fewest || next < 0 {
			return groups
		}
		groups[next].hidden = true
	}
}
