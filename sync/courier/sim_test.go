package courier

import (
	"bytes"
	"container/heap"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/wire"
)

var (
	seeds = flag.Int("seeds", 10_000, "how many worlds to simulate")
	seed  = flag.Uint64("seed", 0, "the one world to simulate, or the first; 0 picks at random")
)

// TestWorlds drives stations and two hub workers, both directions, through
// loss, doubling, reordering, delay, partition, crashes at every boundary of a
// commit, disks rolled back, a hub restored from a backup, retention, and a hub
// older than its stations; then heals everything and looks at what was kept.
func TestWorlds(t *testing.T) {
	first, n := *seed, *seeds
	if first == 0 {
		first = rand.Uint64()
	}
	if testing.Short() {
		n = min(n, 500)
	}
	t.Logf("-seed %d -seeds %d", first, n)
	defer debug.SetGCPercent(debug.SetGCPercent(1000)) // small worlds, soon forgotten
	var next atomic.Uint64
	var total, failed tally
	var lock sync.Mutex
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := next.Add(1) - 1; i < uint64(n); i = next.Add(1) - 1 {
				w := newWorld(first + i)
				err := w.run()
				lock.Lock()
				total.add(w.tally)
				if err != nil && failed.worlds < 5 {
					failed.worlds++
					t.Errorf("go test -run TestWorlds -seed %d -seeds 1: %v", first+i, err)
				}
				lock.Unlock()
			}
		})
	}
	group.Wait()
	total.worlds = n
	t.Logf("%+v", total)
	// A simulator in which nothing happens proves nothing.
	if n >= 500 && (total.crashes == 0 || total.rollbacks == 0 || total.restores == 0 || total.held == 0 || total.raced == 0 || total.newer == 0) {
		t.Errorf("some fault never struck: %+v", total)
	}
}

// TestEveryBoundary has a small world in which nothing else goes wrong stop at each of
// its boundaries in turn (before and after a commit, a mark, a word sent or heard), and
// once more soon after, while what was lost is being asked for again.
func TestEveryBoundary(t *testing.T) {
	small := func(strikeAt ...int) *world {
		w := newWorld(1)
		w.loss, w.strikeAt = 0, strikeAt
		for _, s := range w.site {
			s.up.newer, s.down.newer = 0, 0
		}
		return w
	}
	smooth := small(0)
	if err := smooth.run(); err != nil {
		t.Fatal(err)
	}
	again := 5
	if testing.Short() {
		again = 1
	}
	for n := 1; n <= smooth.boundaries; n++ {
		for m := range again {
			w := small(n, n+m)
			if err := w.run(); err != nil || w.boundaries < n {
				t.Errorf("stopped at boundaries %v of %d: %v", w.strikeAt, w.boundaries, err)
			}
		}
	}
	if smooth.boundaries < 200 || smooth.crashes > 0 {
		t.Errorf("%d boundaries and %d crashes in a smooth world", smooth.boundaries, smooth.crashes)
	}
	t.Logf("%d boundaries", smooth.boundaries)
}

type tally struct {
	worlds, events, messages, lost, crashes, rollbacks, restores, held, raced, newer int
}

func (t *tally) add(o tally) {
	t.events += o.events
	t.messages += o.messages
	t.lost += o.lost
	t.crashes += o.crashes
	t.rollbacks += o.rollbacks
	t.restores += o.restores
	t.held += o.held
	t.raced += o.raced
	t.newer += o.newer
}

const (
	quiet  = 2 * time.Minute // when the faults end
	limit  = quiet + 20*time.Minute
	sites  = 3
	places = 2 // hub workers
)

// log is a stream where it is written: durable.
type log struct {
	stream uuid.UUID
	first  uint64
	mark   uint64
	events [][]byte
	chains []wire.Chain // chains[n] after event n
	saved  int          // the length at the last disk image
	past   [][][]byte   // what was written before each rollback
}

func (l *log) last() uint64 { return uint64(len(l.events)) }

func (l *log) append(event []byte) {
	l.events = append(l.events, event)
	l.chains = append(l.chains, l.chains[len(l.chains)-1].Next(event))
}

func (l *log) chain(seq uint64) wire.Chain {
	if seq+1 < l.first || seq > l.last() {
		return wire.Chain{}
	}
	return l.chains[seq]
}

// kept is a stream where it is kept: durable.
type kept struct {
	events    [][]byte
	chain     wire.Chain
	condition Condition
}

// flow is one direction of one station.
type flow struct {
	name      string
	log       log
	kept      kept
	image     kept // the receiver's last backup
	senders   []Sender
	standing  []Condition // as each sender said last
	receivers []Receiver
	up        bool // the senders were told so
	restored  bool
	rolled    bool
	newer     uint64 // events from here on are in a version the sink learns only at the end
}

// site is a station: a flow up, a flow down, and a cable.
type site struct {
	up, down *flow
	cut      bool
}

type world struct {
	tally
	random *rand.Rand
	now    time.Duration
	queue  queue
	site   [sites]*site
	err    error
	healed bool
	loss   float64
	order  int

	boundaries int
	strikeAt   []int // at which of them a machine stops, and nothing else goes wrong; nil: at random
}

func newWorld(seed uint64) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 1))}
	w.loss = []float64{0, 0.05, 0.4}[w.random.IntN(3)]
	for i := range w.site {
		w.site[i] = &site{
			up:   w.newFlow(fmt.Sprintf("up%d", i), 1, places),
			down: w.newFlow(fmt.Sprintf("down%d", i), places, 1),
		}
	}
	return w
}

func (w *world) newFlow(name string, senders, receivers int) *flow {
	f := &flow{name: name, senders: make([]Sender, senders), standing: make([]Condition, senders), receivers: make([]Receiver, receivers)}
	f.log = log{stream: uuid.NewSHA1(uuid.Nil, []byte(name)), first: 1, chains: make([]wire.Chain, 1)}
	if w.random.IntN(8) == 0 {
		f.newer = 1 + w.random.Uint64N(20)
	}
	for i := range f.senders {
		w.boot(f, i)
	}
	return f
}

// boot starts a sender from what its disk says.
func (w *world) boot(f *flow, i int) {
	f.senders[i] = NewSender(f.log.stream, f.log.first, f.log.last(), f.log.mark, f.log.chain(f.log.mark), w.random.Uint64())
	f.standing[i] = Sound
}

func (w *world) run() error {
	misfortunes := 25
	if w.strikeAt != nil {
		misfortunes = 0
	}
	for range misfortunes {
		w.at(time.Duration(w.random.Int64N(int64(quiet))), w.misfortune)
	}
	for _, s := range w.site {
		for range 4 {
			w.at(time.Duration(w.random.Int64N(int64(quiet))), func() { w.write(s, s.up) })
			w.at(time.Duration(w.random.Int64N(int64(quiet))), func() { w.write(s, s.down) })
		}
		w.at(0, func() { w.connect(s, true) })
	}
	w.at(quiet, w.heal)
	var look time.Duration
	for len(w.queue) > 0 && w.err == nil && w.now < limit {
		e := heap.Pop(&w.queue).(happening)
		w.now = e.at
		e.do()
		if w.healed && w.now > look {
			if w.settled() {
				break
			}
			look = w.now + 10*time.Second
		}
	}
	if w.err != nil {
		return w.err
	}
	for _, s := range w.site {
		for _, f := range []*flow{s.up, s.down} {
			if err := w.judge(f); err != nil {
				return fmt.Errorf("%s at %v: %w", f.name, w.now, err)
			}
		}
	}
	return nil
}

// judge looks at a flow after all is healed.
func (w *world) judge(f *flow) error {
	w.events += len(f.kept.events)
	honest := prefix(f.kept.events, f.log.events)
	for _, past := range f.log.past {
		honest = honest || prefix(f.kept.events, past)
	}
	if !honest {
		return fmt.Errorf("keeps %d events that were never written so", len(f.kept.events))
	}
	for i, s := range f.senders {
		switch {
		case !prefix(f.kept.events, f.log.events):
			w.held++
			if c := f.standing[i]; c != Ahead && c != Forked && c != Missing {
				return fmt.Errorf("sender %d: keeps another history and the sender says %v", i, c)
			}
			if c := f.kept.condition; c != Ahead && c != Forked {
				return fmt.Errorf("keeps another history and the receiver says %v", c)
			}
		case uint64(len(f.kept.events))+1 < f.log.first:
			if f.standing[i] != Missing {
				return fmt.Errorf("sender %d: %d kept, the oldest left is %d, and the sender says %v", i, len(f.kept.events), f.log.first, f.standing[i])
			}
		case f.rolled && f.kept.condition == Forked, f.rolled && f.restored && f.kept.condition == Ahead:
			// right when it was said: a word of the lost history came late, or the
			// receiver has gone back since
			w.held++
		case len(f.kept.events) != len(f.log.events):
			return fmt.Errorf("sender %d (%v, receiver %v): keeps %d of %d", i, f.standing[i], f.kept.condition, len(f.kept.events), len(f.log.events))
		case s.Backlog() != 0 || f.standing[i] != Sound || f.kept.condition != Sound:
			return fmt.Errorf("sender %d: all arrived, and backlog %d, sender %v, receiver %v", i, s.Backlog(), f.standing[i], f.kept.condition)
		}
	}
	return nil
}

func (w *world) settled() bool {
	for _, s := range w.site {
		for _, f := range []*flow{s.up, s.down} {
			if w.judgeQuietly(f) != nil {
				return false
			}
		}
	}
	return true
}

func (w *world) judgeQuietly(f *flow) error {
	if len(f.kept.events) < len(f.log.events) && f.standing[0] == Sound {
		return errNotYet
	}
	events, held := w.events, w.held
	err := w.judge(f)
	w.events, w.held = events, held
	return err
}

var errNotYet = fmt.Errorf("not yet")

func prefix(a, b [][]byte) bool {
	if len(a) > len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// misfortune is one thing that goes wrong.
func (w *world) misfortune() {
	s := w.site[w.random.IntN(sites)]
	f := s.up
	if w.random.IntN(2) == 0 {
		f = s.down
	}
	switch n := w.random.IntN(100); {
	case n < 35:
		w.connect(s, s.cut)
	case n < 55:
		w.crashStation(s)
	case n < 75:
		w.crashWorker(w.random.IntN(places))
	case n < 80: // an image of the disk is made
		f.log.saved = len(f.log.events)
	case n < 83: // and written back: the sender's end goes back in time
		w.rollbacks++
		f.rolled = true
		l := &f.log
		l.past = append(l.past, l.events)
		n := min(max(l.saved, int(l.first)-1), len(l.events))
		l.events, l.chains = l.events[:n:n], l.chains[:n+1:n+1]
		l.mark = min(l.mark, l.last())
		for i := range f.senders {
			w.boot(f, i)
		}
		w.connect(s, !s.cut)
	case n < 90: // the receiver's end makes a backup
		f.image = kept{f.kept.events[:len(f.kept.events):len(f.kept.events)], f.kept.chain, f.kept.condition}
	case n < 93: // and is restored from it
		w.restores++
		f.restored = true
		f.kept = f.image
		clear(f.receivers)
	case n < 97: // retention ends
		f.log.first = max(f.log.first, f.log.mark+1)
		for i := range f.senders {
			w.send(s, f, i, Appended{f.log.first, f.log.last()})
		}
	default:
		w.loss = w.random.Float64() * 0.5
	}
}

// heal ends all faults and lets every retry run its course.
func (w *world) heal() {
	w.healed, w.loss = true, 0
	for _, s := range w.site {
		s.up.newer, s.down.newer = 0, 0
		w.connect(s, true)
	}
}

// write appends a few events at the sender's end; the machine may stop right after.
func (w *world) write(s *site, f *flow) {
	for range 1 + w.random.IntN(6) {
		f.log.append(fmt.Appendf(nil, "%s.%d.%x", f.name, len(f.log.events)+1, w.random.Uint32()))
	}
	if f == s.up && w.strikes() {
		w.crashStation(s)
		return
	}
	for i := range f.senders {
		w.send(s, f, i, Appended{f.log.first, f.log.last()})
	}
}

// connect plugs a station's cable in or out. Half the time nobody notices that
// it went out.
func (w *world) connect(s *site, on bool) {
	s.cut = !on
	if !on && w.random.IntN(2) == 0 {
		return
	}
	for _, f := range []*flow{s.up, s.down} {
		f.up = on
		for i := range f.senders {
			if on {
				w.send(s, f, i, Up{})
			} else {
				w.send(s, f, i, Down{})
			}
		}
	}
}

func (w *world) crashStation(s *site) {
	w.crashes++
	clear(s.down.receivers)
	w.boot(s.up, 0)
	if !s.cut {
		w.send(s, s.up, 0, Up{})
	}
}

func (w *world) crashWorker(i int) {
	w.crashes++
	for _, s := range w.site {
		s.up.receivers[i] = Receiver{}
		w.boot(s.down, i)
		if !s.cut {
			w.send(s, s.down, i, Up{})
		}
	}
}

// crash stops whoever runs sender or receiver i of f.
func (w *world) crash(s *site, f *flow, sender bool, i int) {
	if (f == s.up) == sender {
		w.crashStation(s)
	} else {
		w.crashWorker(i)
	}
}

// strikes reports whether a machine stops at this boundary.
func (w *world) strikes() bool {
	w.boundaries++
	if w.strikeAt != nil {
		return slices.Contains(w.strikeAt, w.boundaries)
	}
	return !w.healed && w.random.IntN(100) == 0
}

// send steps sender i of f and does what it asks for.
func (w *world) send(s *site, f *flow, i int, in SenderInput) {
	next, effects := f.senders[i].Step(w.now, in)
	f.senders[i] = next
	for _, effect := range effects {
		if w.strikes() {
			w.crash(s, f, true, i)
			return
		}
		switch e := effect.(type) {
		case Greet:
			w.post(s, func() { w.receive(s, f, w.worker(f), Greeted(e)) })
		case Read:
			l := &f.log
			if e.From < l.first || e.From > l.last() {
				w.fail("%s: read of %d, the log holds %d to %d", f.name, e.From, l.first, l.last())
				return
			}
			to := min(l.last(), e.From+w.random.Uint64N(3))
			b := wire.Batch{Stream: l.stream, First: e.From, Events: l.events[e.From-1 : to], Chain: l.chains[to]}
			w.post(s, func() { w.arrive(s, f, b) })
			w.send(s, f, i, Sent{e.From, to})
		case Mark:
			if !f.restored && e.To > uint64(len(f.kept.events)) {
				w.fail("%s: mark %d, and %d are kept", f.name, e.To, len(f.kept.events))
			}
			if e.Back && !f.restored {
				w.fail("%s: mark %d after %d, and nobody was restored", f.name, e.To, f.log.mark)
			}
			if e.Back || e.To > f.log.mark { // another worker may have heard more
				f.log.mark = e.To
			}
		case Standing:
			f.standing[i] = e.Condition
		}
	}
	if due, ok := f.senders[i].Wake(); ok {
		w.at(due, func() {
			if d, ok := f.senders[i].Wake(); ok && d == due && w.now >= d {
				w.send(s, f, i, Tick{})
			}
		})
	}
}

// worker is who gets a message: mostly the one that holds the lease.
func (w *world) worker(f *flow) int {
	if w.random.IntN(5) > 0 {
		return 0
	}
	return w.random.IntN(len(f.receivers))
}

func (w *world) arrive(s *site, f *flow, b wire.Batch) {
	i := w.worker(f)
	if f.newer != 0 && b.First+uint64(len(b.Events)) > f.newer {
		w.newer++
		w.receive(s, f, i, TooNew{b.Stream})
		return
	}
	w.receive(s, f, i, Arrived{b})
}

// receive steps receiver i of f and does what it asks for.
func (w *world) receive(s *site, f *flow, i int, in ReceiverInput) {
	next, effects := f.receivers[i].Step(in)
	f.receivers[i] = next
	for _, effect := range effects {
		if w.strikes() {
			w.crash(s, f, false, i)
			return
		}
		switch e := effect.(type) {
		case Find:
			if w.strikes() {
				w.receive(s, f, i, Failed{})
				continue
			}
			w.receive(s, f, i, Found{e.Stream, uint64(len(f.kept.events)), f.kept.chain, f.kept.condition})
		case Commit:
			if w.strikes() {
				w.receive(s, f, i, Failed{})
				continue
			}
			if f.kept.condition.Held() && f.kept.condition != Missing {
				w.raced++ // the other worker found out first; the store takes nothing
			} else if uint64(len(f.kept.events)) != e.From {
				w.raced++
			} else {
				f.kept.events = append(f.kept.events[:e.From:e.From], e.Events...)
				f.kept.chain, f.kept.condition = e.Chain, Sound
			}
			if w.strikes() {
				w.crash(s, f, false, i)
				return
			}
			w.receive(s, f, i, Committed{e.Stream, uint64(len(f.kept.events)), f.kept.chain})
		case Standing:
			if !f.kept.condition.Held() || f.kept.condition == Missing {
				f.kept.condition = e.Condition
			}
		case Answer:
			if !f.restored && e.Cursor > uint64(len(f.kept.events)) {
				w.fail("%s: acknowledged %d, and %d are kept", f.name, e.Cursor, len(f.kept.events))
			}
			for i := range f.senders {
				w.post(s, func() { w.send(s, f, i, Acked{e.Ack, f.log.chain(e.Cursor)}) })
			}
		}
	}
}

// post hands a message to the pipe.
func (w *world) post(s *site, deliver func()) {
	w.messages++
	copies := 1
	if w.random.Float64() < w.loss/4 {
		copies = 2
	}
	for range copies {
		if s.cut || w.random.Float64() < w.loss {
			w.lost++
			continue
		}
		delay := 10*time.Millisecond + time.Duration(w.random.Int64N(int64(40*time.Millisecond)))
		if !w.healed && w.random.IntN(20) == 0 {
			delay += time.Duration(w.random.Int64N(int64(30 * time.Second))) // a broker's redelivery
		}
		w.at(w.now+delay, deliver)
	}
}

func (w *world) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("at %v: "+format, append([]any{w.now}, args...)...)
	}
}

// happening is something that will happen.
type happening struct {
	at time.Duration
	n  int // of one instant, first come first served
	do func()
}

type queue []happening

func (w *world) at(at time.Duration, do func()) {
	w.order++
	heap.Push(&w.queue, happening{at, w.order, do})
}

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at < q[j].at || q[i].at == q[j].at && q[i].n < q[j].n }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(happening)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}
