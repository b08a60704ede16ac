package speech

import (
	"strconv"
	"strings"

	"coldstation/kiosk/flow"
	"coldstation/kiosk/phrase"
)

// Program is a command and its arguments, with the braces of the package
// comment.
type Program []string

// Espeak is eSpeak NG, which speaks over a hundred languages on any machine. Its
// options are those of espeak-ng(1), version 1.51; -b 1 is UTF-8.
var Espeak = Program{"espeak-ng", "-v", "{voice}", "-s", "{speed}", "-a", "{volume}", "-b", "1", "--stdin"}

// ParseProgram splits a command line at its spaces; "espeak-ng" alone is Espeak.
func ParseProgram(line string) Program {
	if line == Espeak[0] {
		return Espeak
	}
	return strings.Fields(line)
}

// Words a minute. espeak-ng's own 175 is hurried for old ears.
const (
	pace     = 150
	slowPace = 120 // of an easy language, and for who wants it
)

func (p Program) args(w *phrase.Words, look flow.Look) []string {
	speed := pace
	// "simple" is the registered variant of a language for easy reading.
	if look.Slow || strings.HasSuffix(w.Tag(), "-simple") {
		speed = slowPace
	}
	fill := strings.NewReplacer(
		"{language}", w.Tag(),
		"{voice}", w.Voice(),
		"{speed}", strconv.Itoa(speed),
		"{volume}", strconv.Itoa(amplitudes[look.Volume-flow.Silent]),
	)
	args := make([]string, len(p))
	for i, arg := range p {
		args[i] = fill.Replace(arg)
	}
	return args
}
