package iso28560

import (
	"fmt"
	"slices"
)

// Set is one item, as far as its parts are in sight: a box of three discs of which
// two lie on the pad.
type Set struct {
	Item  string
	ISIL  string // empty when no tag states it
	Parts int    // at least 1
	Seen  []int  // parts in sight, ascending, each once; of 1 to Parts
	Tags  []int  // which of the labels are its own, ascending
}

// Sets groups the labels of tags that lie together, in the order in which their
// items first appear. Labels without an item belong to no set.
//
// Parts of a set share the item identifier, and the owner where they state one. A
// part that has two tags counts once; of tags that disagree about the number of
// parts the highest counts. A tag that states a set but not its part (0) stands
// for a part that no other tag is. A part above the number of parts was written by
// one of the programs that swap the two bytes, and is read so.
func Sets(labels []Label) []Set {
	var sets []Set
	var nameless []int // by set, tags that do not say which part they are
	for n, l := range labels {
		if l.Item == "" {
			continue
		}
		at := slices.IndexFunc(sets, func(s Set) bool {
			return s.Item == l.Item && (s.ISIL == l.ISIL || s.ISIL == "" || l.ISIL == "")
		})
		if at < 0 {
			at = len(sets)
			sets, nameless = append(sets, Set{Item: l.Item, Parts: 1}), append(nameless, 0)
		}
		s := &sets[at]
		if s.ISIL == "" {
			s.ISIL = l.ISIL
		}
		s.Tags = append(s.Tags, n)
		s.Parts = max(s.Parts, l.Parts, l.Part)
		part := l.Part
		if l.Parts > 0 {
			part = min(l.Part, l.Parts)
		}
		if part < 1 {
			nameless[at]++
		} else if i, found := slices.BinarySearch(s.Seen, part); !found {
			s.Seen = slices.Insert(s.Seen, i, part)
		}
	}
	for at := range sets {
		s := &sets[at]
		missing := s.Missing()
		s.Seen = append(s.Seen, missing[:min(nameless[at], len(missing))]...)
		slices.Sort(s.Seen)
	}
	return sets
}

// Missing are the parts that are not in sight.
func (s Set) Missing() []int {
	var missing []int
	for part := 1; part <= s.Parts; part++ {
		if _, found := slices.BinarySearch(s.Seen, part); !found {
			missing = append(missing, part)
		}
	}
	return missing
}

// Complete tells whether all parts are in sight.
func (s Set) Complete() bool { return len(s.Seen) == s.Parts }

// String is "2 of 3".
func (s Set) String() string { return fmt.Sprintf("%d of %d", len(s.Seen), s.Parts) }
