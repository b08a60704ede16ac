package blob

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/wire"
)

var seed = flag.Uint64("seed", 0, "the one world to simulate; 0 for many")

// content is a blob of n bytes, the same for the same n.
func content(n int) []byte {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

// script is an asker and what it asked for since it was last read.
type script struct {
	t     *testing.T
	asker Asker
	now   time.Duration
	names map[circ.BlobID]string
}

func (s *script) step(in Input) string {
	var effects []Effect
	s.asker, effects = s.asker.Step(s.now, in)
	var all []string
	for _, e := range effects {
		switch e := e.(type) {
		case Begin:
			all = append(all, "begin "+s.names[e.Blob])
		case Send:
			all = append(all, fmt.Sprintf("want %s %d", s.names[e.Blob], e.Offset/wire.MaxPiece))
		case Write:
			all = append(all, fmt.Sprintf("write %s %d", s.names[e.Blob], e.Offset/wire.MaxPiece))
		case Finish:
			all = append(all, "finish "+s.names[e.Blob])
		case Drop:
			all = append(all, "drop "+s.names[e.Blob])
		}
	}
	return strings.Join(all, ", ")
}

// TestAsker: scripts of one asker. Blobs are a, of six pieces and a bit, and b.
func TestAsker(t *testing.T) {
	const k = wire.MaxPiece
	big, small := content(6*k+10), content(10)
	a, b := circ.NameBlob(big), circ.NameBlob(small)
	piece := func(id circ.BlobID, of []byte, n int) Arrived {
		return Arrived{wire.Piece{Blob: id, Offset: uint64(n * k), Size: uint64(len(of)), Bytes: of[n*k : min(len(of), (n+1)*k)]}}
	}
	type line struct {
		after time.Duration
		in    Input
		want  string
	}
	lacking, up := Lacking{[]circ.BlobID{a, b}}, Up{}
	begun := []line{{0, up, ""}, {0, lacking, "begin a"}, {0, Begun{a, 0}, "want a 0"}}
	flowing := append(begun[:3:3], line{0, piece(a, big, 0), "write a 0, want a 1, want a 2, want a 3, want a 4"})
	for name, lines := range map[string][]line{
		"nothing without a connection": {{0, lacking, ""}, {0, Up{}, "begin a"}},
		"to the end, then the next": append(flowing[:4:4],
			line{0, piece(a, big, 1), "write a 1, want a 5"}, line{0, piece(a, big, 2), "write a 2, want a 6"},
			line{0, piece(a, big, 3), "write a 3"}, line{0, piece(a, big, 4), "write a 4"}, line{0, piece(a, big, 5), "write a 5"},
			line{0, piece(a, big, 6), "write a 6, finish a"}, line{0, Done{a}, "begin b"}, line{0, Begun{b, 0}, "want b 0"},
			line{0, piece(b, small, 0), "write b 0, finish b"}, line{0, Done{b}, ""}, line{time.Hour, Tick{}, ""}),
		"where it was cut off": {{0, up, ""}, {0, lacking, "begin a"}, {0, Begun{a, 5 * k}, "want a 5"}, {0, piece(a, big, 5), "write a 5, want a 6"}},
		"doubled":              append(flowing[:4:4], line{0, piece(a, big, 0), ""}, line{0, piece(a, big, 1), "write a 1, want a 5"}, line{0, piece(a, big, 1), ""}),
		"one lost: back once": append(flowing[:4:4], line{0, piece(a, big, 2), "want a 1, want a 2, want a 3, want a 4"},
			line{0, piece(a, big, 3), ""}, line{0, piece(a, big, 1), "write a 1, want a 5"}),
		"silence": append(begun[:3:3], line{2 * time.Second, Tick{}, ""}, line{time.Second, Tick{}, "want a 0"}, line{3 * time.Second, Tick{}, ""},
			line{3 * time.Second, Tick{}, "want a 0"}),
		"silence for long: others first": append(begun[:3:3], line{3 * time.Second, Tick{}, "want a 0"}, line{6 * time.Second, Tick{}, "want a 0"},
			line{12 * time.Second, Tick{}, "want a 0"}, line{24 * time.Second, Tick{}, "want a 0"}, line{48 * time.Second, Tick{}, "want a 0"},
			line{60 * time.Second, Tick{}, "begin b"}),
		"the connection goes and comes": append(flowing[:4:4], line{0, Down{}, ""}, line{0, piece(a, big, 1), ""}, line{time.Hour, Tick{}, ""},
			line{0, Up{}, "want a 1, want a 2, want a 3, want a 4"}),
		"no such blob": append(begun[:3:3], line{0, Arrived{wire.Piece{Blob: a}}, "drop a, begin b"}, line{0, Begun{b, 0}, "want b 0"},
			line{0, piece(b, small, 0), "write b 0, finish b"}, line{0, Done{b}, ""}, line{59 * time.Second, Tick{}, ""}, line{time.Second, Tick{}, "begin a"},
			line{0, Begun{a, 0}, "want a 0"}, line{0, Arrived{wire.Piece{Blob: a}}, "drop a"}, line{time.Minute, Tick{}, ""}, line{time.Minute, Tick{}, "begin a"}),
		"wrong bytes": {{0, up, ""}, {0, Lacking{[]circ.BlobID{b}}, "begin b"}, {0, Begun{b, 0}, "want b 0"}, {0, piece(b, small, 0), "write b 0, finish b"},
			{0, Failed{b}, ""}, {time.Minute, Tick{}, "begin b"}},
		"another size in the middle": append(flowing[:4:4], line{0, Arrived{wire.Piece{Blob: a, Offset: k, Size: 7 * k, Bytes: big[k : 2*k]}}, "drop a, begin b"}),
		"a short piece":              append(begun[:3:3], line{0, Arrived{wire.Piece{Blob: a, Size: 200, Bytes: big[:100]}}, "write a 0, want a 0"}),
		"no longer wanted":           append(flowing[:4:4], line{0, Lacking{[]circ.BlobID{b}}, "begin b"}, line{0, piece(a, big, 1), ""}),
		"asked for nothing":          {{0, up, ""}, {0, piece(a, big, 0), ""}, {0, Begun{a, 0}, ""}, {0, Done{a}, ""}, {0, Failed{a}, ""}},
		"wanted before it was up":    {{0, lacking, ""}, {0, up, "begin a"}, {0, Begun{a, 0}, "want a 0"}, {0, lacking, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{t: t, names: map[circ.BlobID]string{a: "a", b: "b"}}
			for i, line := range lines {
				s.now += line.after
				if got := s.step(line.in); got != line.want {
					t.Fatalf("line %d, %T: %q, want %q", i, line.in, got, line.want)
				}
			}
		})
	}
}

// world is an asker with a real folder, and a hub behind a line that loses, doubles,
// delays and reorders.
type world struct {
	*rand.Rand
	t       *testing.T
	folder  *Folder
	path    string
	asker   Asker
	now     time.Duration
	hub     map[circ.BlobID][]byte
	line    []wire.Piece
	faulty  bool
	lies    int
	pieces  int
	restart int
}

func (w *world) Begin(id circ.BlobID) (uint64, error) { return w.folder.Begin(id) }
func (w *world) Write(p wire.Piece) error             { return w.folder.Write(p) }
func (w *world) Finish(id circ.BlobID) error          { return w.folder.Finish(id) }
func (w *world) Drop(id circ.BlobID) error            { return w.folder.Drop(id) }

func (w *world) Send(want wire.Want) error {
	times := 1
	if w.faulty {
		times = w.IntN(3) // lost, carried, doubled
	}
	of := w.hub[want.Blob]
	for range times {
		p := wire.Piece{Blob: want.Blob, Offset: want.Offset, Size: uint64(len(of))}
		if want.Offset < p.Size {
			p.Bytes = bytes.Clone(of[want.Offset:min(p.Size, want.Offset+wire.MaxPiece)])
		} else {
			p = wire.Piece{Blob: want.Blob}
		}
		if w.faulty && len(p.Bytes) > 0 && w.IntN(40) == 0 {
			p.Bytes[w.IntN(len(p.Bytes))] ^= 1
			w.lies++
		}
		w.line = append(w.line, p)
	}
	return nil
}

func (w *world) ask(in Input) {
	_ = Ask(&w.asker, func() time.Duration { return w.now }, w, in)
}

func (w *world) open() {
	var err error
	if w.folder, err = OpenFolder(w.path, Limit); err != nil {
		w.t.Fatal(err)
	}
	w.asker = Asker{}
	w.ask(Up{})
}

// want says what is wanted, the big one first.
func (w *world) want() (lacking []circ.BlobID) {
	var ids []circ.BlobID
	for id := range w.hub {
		ids = append(ids, id)
	}
	return w.folder.Want(ids)
}

func (w *world) turn() {
	switch n := w.IntN(20); {
	case len(w.line) > 0 && n < 14:
		i := 0
		if w.faulty && w.IntN(4) == 0 {
			i = w.IntN(len(w.line))
		}
		p := w.line[i]
		w.line = append(w.line[:i], w.line[i+1:]...)
		w.pieces++
		w.ask(Arrived{p})
	case n == 19 && w.faulty:
		w.restart++
		w.line = nil
		w.open()
		w.ask(Lacking{w.want()})
	case n == 18 && w.faulty:
		w.ask(Down{})
		w.now += time.Second
		w.ask(Up{})
	default:
		if due, waits := w.asker.Wake(); waits {
			w.now = max(w.now, due)
		}
		w.ask(Tick{})
	}
}

// TestWorlds: through loss, doubling, reorder, wrong bytes, restarts in the middle
// and a line that breaks, every blob comes in the end, whole, and the folder never
// holds a wrong one.
func TestWorlds(t *testing.T) {
	first, n := *seed, 1
	if first == 0 {
		first, n = rand.Uint64(), 40
	}
	lies, restarts := 0, 0
	for i := range uint64(n) {
		w := &world{Rand: rand.New(rand.NewPCG(first+i, 0)), t: t, path: t.TempDir(), hub: map[circ.BlobID][]byte{}, faulty: true}
		for range 3 {
			b := content(1 + w.IntN(9*wire.MaxPiece))
			w.hub[circ.NameBlob(b)] = b
		}
		w.open()
		w.ask(Lacking{w.want()})
		for range 200 {
			w.turn()
		}
		w.faulty, w.line = false, nil
		for range 2000 {
			if len(w.want()) == 0 {
				break
			}
			w.turn()
		}
		for id, want := range w.hub {
			if got, err := w.folder.Read(id); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("go test -run TestWorlds -seed %d: blob of %d bytes: %d, %v", first+i, len(want), len(got), err)
			}
		}
		lies, restarts = lies+w.lies, restarts+w.restart
	}
	if n > 1 && (lies == 0 || restarts == 0) {
		t.Errorf("some fault never struck: %d wrong pieces, %d restarts", lies, restarts)
	}
}
