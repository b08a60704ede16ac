package sim

import (
	"errors"
	"os"
	"time"

	"coldstation/rfid"
)

// Line carries bytes between a Device and whoever opened the other end. The
// zero pace answers at once; with Baud set, requests and answers take the time
// their bits need, and the chips theirs.
type Line struct {
	Device Device
	Table  *Table
	Baud   int           // 0: no pace
	Bits   int           // on the line for each byte
	Gap    time.Duration // a longer silence inside a request ends it
	Single bool          // what comes before the answer is out is ignored
	Faults *Schedule     // nil: none
	Done   <-chan struct{}

	hung time.Time // silent until then
}

// grace is what a Gap may be longer than it should.
const grace = time.Millisecond

// Serve answers on port until it fails; it does not close it.
func (l *Line) Serve(port rfid.Port) {
	var (
		chunk [4096]byte
		buf   []byte
		out   []byte
		deaf  bool
		quiet time.Time // when what has been received so far ends as a request
		late  bool      // it has ended, unless more has come meanwhile
	)
	talker, _ := l.Device.(Talker)
	unhurried, _ := l.Device.(Unhurried)
	for {
		var wait time.Time
		if talker != nil {
			wait = l.speak(port, talker, out[:0])
		}
		hurried := deaf || len(buf) > 0 && (unhurried == nil || !unhurried.Unhurried())
		if hurried && (wait.IsZero() || quiet.Before(wait)) {
			wait = quiet
		}
		if err := port.SetReadDeadline(wait); err != nil {
			return
		}
		n, err := port.Read(chunk[:])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			switch {
			case !hurried || time.Now().Before(quiet):
			case !late: // a machine that is busy wakes us late: what came in time is taken
				late, quiet = true, time.Now().Add(grace)
			default:
				buf, deaf, late = buf[:0], false, false
			}
			continue
		}
		if err != nil {
			return
		}
		quiet, late = time.Now().Add(l.Gap), false
		if deaf {
			continue
		}
		buf = append(buf, chunk[:n]...)
		for len(buf) > 0 {
			n := l.Device.Frame(buf)
			if n < 0 {
				buf, deaf = buf[:0], true
			}
			if n <= 0 {
				break
			}
			out = l.exchange(port, buf[:n], out[:0])
			if l.Single {
				n = len(buf)
			}
			buf = buf[:copy(buf, buf[n:])]
		}
		quiet = time.Now().Add(l.Gap) // not counting the time an answer took
	}
}

// exchange lets one request happen, with whatever goes wrong.
func (l *Line) exchange(port rfid.Port, request, out []byte) []byte {
	heard := time.Now().Add(l.bytes(len(request)))
	uid := l.Device.Writes(request)
	fault := l.Faults.take(!uid.IsZero())
	m := Moment{Done: l.Done}
	switch fault {
	case NoRequest:
		return out
	case Reset:
		l.Device.Reset()
		return out
	case Hang:
		l.hung = time.Now().Add(l.Faults.between(2*time.Second, 5*time.Second))
	case Move:
		l.Table.move(l.Faults.dice)
	case Lift:
		if !uid.IsZero() {
			m.Lifted = Before + Half(l.Faults.dice(3))
		}
	}
	if time.Now().Before(l.hung) {
		return out
	}
	out, air := l.Device.Answer(out, request, m)
	if l.Baud > 0 {
		l.work(port, heard.Add(air+l.bytes(len(out))))
	}
	if len(out) == 0 {
		return out
	}
	l.send(port, out, fault)
	return out
}

// speak sends what the reader says by itself now, with whatever goes wrong, and
// returns when to ask it again.
func (l *Line) speak(port rfid.Port, t Talker, out []byte) time.Time {
	now := time.Now()
	out, next := t.Speak(out, now)
	if len(out) == 0 {
		return next
	}
	fault := l.Faults.take(false)
	switch fault {
	case NoRequest, Hang:
		if fault == Hang {
			l.hung = now.Add(l.Faults.between(2*time.Second, 5*time.Second))
		}
		return next
	case Reset:
		l.Device.Reset()
		return next
	case Move:
		l.Table.move(l.Faults.dice)
	}
	if now.Before(l.hung) {
		return next
	}
	if l.Baud > 0 {
		l.work(port, now.Add(l.bytes(len(out))))
	}
	l.send(port, out, fault)
	return next
}

// send writes an answer, or what a fault makes of it.
func (l *Line) send(port rfid.Port, answer []byte, fault Fault) {
	switch fault {
	case NoAnswer:
		return
	case Late:
		l.work(port, time.Now().Add(l.Faults.between(200*time.Millisecond, 3*time.Second)))
	case Split:
		for len(answer) > 1 {
			n := 1 + l.Faults.dice(len(answer)-1)
			if _, err := port.Write(answer[:n]); err != nil {
				return
			}
			answer = answer[n:]
			l.sleep(l.Faults.between(time.Millisecond, l.Gap*2/3))
		}
	case Noise:
		junk := make([]byte, 1+l.Faults.dice(8))
		for i := range junk {
			junk[i] = byte(l.Faults.dice(256))
		}
		answer = append(junk, answer...)
	case BadCRC:
		answer[l.Faults.dice(len(answer))] ^= 1 << l.Faults.dice(8)
	case BadLength:
		if l.Faults.dice(2) == 0 {
			l.Device.MoveLength(answer)
		} else {
			answer = answer[:l.Faults.dice(len(answer))]
		}
	case Unsolicited:
		answer = append(l.Device.Foreign(), answer...)
	}
	_, _ = port.Write(answer) // a far end that left is noticed by the next Read
}

// work is busy until the given time.
func (l *Line) work(port rfid.Port, until time.Time) {
	if !l.Single {
		l.sleepUntil(until)
		return
	}
	var ignored [256]byte
	for err := port.SetReadDeadline(until); err == nil; {
		_, err = port.Read(ignored[:])
	}
}

// bytes is the time n bytes need on the line.
func (l *Line) bytes(n int) time.Duration {
	if l.Baud == 0 {
		return 0
	}
	return time.Duration(n*l.Bits) * time.Second / time.Duration(l.Baud)
}

func (l *Line) sleep(d time.Duration) { l.sleepUntil(time.Now().Add(d)) }

func (l *Line) sleepUntil(t time.Time) {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.Done:
	}
}

// move lets a random chip come or go.
func (t *Table) move(dice func(int) int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.chips) > 0 {
		c := t.chips[dice(len(t.chips))]
		t.set(c, !c.On)
	}
}
