package touch

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var table = Rules{Palm: 250, Still: 60, Rest: 700 * time.Millisecond, Long: 5 * time.Second}

// at is a contact at a place, as large as a fingertip.
func at(id, x, y int32) Contact { return Contact{ID: id, X: x, Y: y, Major: 90} }

func large(id, x, y int32) Contact { return Contact{ID: id, X: x, Y: y, Major: 400} }

func frame(ms int, contacts ...Contact) Frame {
	return Frame{At: time.Duration(ms) * time.Millisecond, Contacts: contacts}
}

func TestStep(t *testing.T) {
	tap := func(x, y int32) []Stroke { return []Stroke{{Down, x, y}, {Up, x, y}} }
	const away = 0 // where a finger is taken back to
	back := []Stroke{{Move, away, away}, {Up, away, away}}
	slid := []Stroke{{Down, 500, 500}, {Move, 560, 520}, {Move, 650, 540}, {Up, 650, 540}}
	for _, c := range []struct {
		name   string
		frames []Frame
		want   []Stroke
	}{
		{"a tap", []Frame{frame(0, at(1, 500, 500)), frame(80)}, tap(500, 500)},
		{"a tap of 10 ms", []Frame{frame(0, at(1, 500, 500)), frame(10)}, tap(500, 500)},
		{"a press of 3 s", []Frame{frame(0, at(1, 500, 500)), frame(3000)}, tap(500, 500)},
		{"a sliding finger", []Frame{frame(0, at(1, 500, 500)), frame(30, at(1, 560, 520)), frame(60, at(1, 650, 540)), frame(90)}, slid},
		{"one tap after the other", []Frame{frame(0, at(1, 500, 500)), frame(80), frame(400, at(2, 700, 700)), frame(480)},
			append(tap(500, 500), tap(700, 700)...)},

		{"a large palm, then a tap elsewhere", []Frame{frame(0, large(1, 100, 900)), frame(100, large(1, 100, 900), at(2, 500, 500)), frame(180, large(1, 100, 900)), frame(4000)},
			tap(500, 500)},
		{"a large palm and three taps", []Frame{frame(0, large(1, 100, 900)),
			frame(100, large(1, 100, 900), at(2, 500, 500)), frame(180, large(1, 103, 900)),
			frame(900, large(1, 100, 905), at(3, 600, 500)), frame(980, large(1, 100, 900)),
			frame(9000, large(1, 100, 905), at(4, 700, 500)), frame(9080, large(1, 100, 900)), frame(9100)},
			slices.Concat(tap(500, 500), tap(600, 500), tap(700, 500))},
		{"a palm that grows is taken back", []Frame{frame(0, at(1, 100, 900)), frame(40, large(1, 100, 900)), frame(90, large(1, 100, 900), at(2, 500, 500)), frame(180, large(1, 100, 900)), frame(400)},
			slices.Concat([]Stroke{{Down, 100, 900}}, back, tap(500, 500))},
		{"a palm that the panel knows", []Frame{frame(0, Contact{ID: 1, X: 100, Y: 900, Palm: true}), frame(100, Contact{ID: 1, X: 100, Y: 900, Palm: true}, at(2, 500, 500)), frame(150, Contact{ID: 1, X: 100, Y: 900, Palm: true})},
			tap(500, 500)},

		{"a small hand at rest gives way", []Frame{frame(0, at(1, 100, 900)), frame(1000, at(1, 110, 905), at(2, 500, 500)), frame(1080, at(1, 110, 905)), frame(3000)},
			slices.Concat([]Stroke{{Down, 100, 900}, {Move, 110, 905}}, back, tap(500, 500))},
		{"a tap that begins before the hand has rested, and ends after", []Frame{frame(0, at(1, 100, 900)), frame(650, at(1, 100, 900), at(2, 500, 500)), frame(750, at(1, 100, 900))},
			slices.Concat([]Stroke{{Down, 100, 900}}, back, tap(500, 500))},
		{"a hand that rested long taps nothing", []Frame{frame(0, at(1, 100, 900)), frame(8000)},
			append([]Stroke{{Down, 100, 900}}, back...)},
		{"a finger that moves about is no hand", []Frame{frame(0, at(1, 500, 500)), frame(400, at(1, 600, 500)), frame(800, at(1, 600, 500), at(2, 100, 900)), frame(900, at(2, 100, 900)), frame(1000)},
			[]Stroke{{Down, 500, 500}, {Move, 600, 500}, {Up, 600, 500}}},

		{"two fingers at once tap once", []Frame{frame(0, at(1, 500, 500), at(2, 700, 700)), frame(90, at(2, 700, 700)), frame(100)}, tap(500, 500)},
		{"a second finger taps nothing", []Frame{frame(0, at(1, 500, 500)), frame(50, at(1, 500, 500), at(2, 700, 700)), frame(90, at(1, 500, 500)), frame(150)}, tap(500, 500)},
		{"reports were lost", []Frame{frame(0, at(1, 500, 500)), {At: time.Second, Lost: true}, frame(1200, at(2, 700, 700)), frame(1300)},
			slices.Concat([]Stroke{{Down, 500, 500}}, back, tap(700, 700))},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s State
			var got []Stroke
			for _, f := range c.frames {
				var strokes []Stroke
				s, strokes = Step(s, table, f)
				got = append(got, strokes...)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestStepKeeps: whatever lies on the glass, one finger goes down and up by turns,
// moves only while it is down, and nothing is down on an empty glass.
func TestStepKeeps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s State
		down := false
		var lying []Contact
		var now time.Duration
		for i := range int32(rapid.IntRange(1, 60).Draw(t, "frames")) {
			now += time.Duration(rapid.IntRange(1, 2000).Draw(t, "ms")) * time.Millisecond
			which := rapid.IntRange(0, len(lying)).Draw(t, "which")
			switch {
			case which == len(lying):
				lying = append(lying, Contact{ID: i, X: rapid.Int32Range(0, 999).Draw(t, "x"), Major: rapid.Int32Range(0, 400).Draw(t, "major")})
			case rapid.Bool().Draw(t, "moves"):
				lying[which].X += rapid.Int32Range(-99, 99).Draw(t, "by")
			default:
				lying = slices.Delete(lying, which, which+1)
			}
			f := Frame{At: now, Contacts: slices.Clone(lying), Lost: rapid.IntRange(0, 20).Draw(t, "lost") == 0}
			var strokes []Stroke
			s, strokes = Step(s, table, f)
			for _, stroke := range strokes {
				if (stroke.Act == Down) == down {
					t.Fatalf("%v while down is %v", stroke, down)
				}
				down = stroke.Act != Up
			}
			if down && len(lying) == 0 {
				t.Fatal("a finger is down on an empty glass")
			}
		}
	})
}
