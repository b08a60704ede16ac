package touch

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Keep filters the panel until ctx ends, and waits for one that is not there, or not
// any more: while it cannot be filtered it works as it does without us.
func Keep(ctx context.Context, device string) {
	const again = 2 * time.Second
	var said string
	for ctx.Err() == nil {
		err := filter(ctx, device)
		if err != nil && ctx.Err() == nil && err.Error() != said {
			said = err.Error()
			slog.Warn("touch is not filtered", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
	}
}

// filter grabs a panel and lets one finger through until it fails or ctx ends.
func filter(ctx context.Context, device string) error {
	fd, panel, err := open(device, unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer panel.Close()
	stop := context.AfterFunc(ctx, func() { panel.Close() })
	defer stop()
	x, err := extent(fd, absMTX)
	y, errY := extent(fd, absMTY)
	if err = errors.Join(err, errY); err != nil {
		return fmt.Errorf("%s tells no contacts apart: %w", device, err)
	}
	major, _ := extent(fd, absMajor) // not every panel says how much is covered
	made, through, err := prepare(oneFinger, x, y, 1)
	if err != nil {
		return fmt.Errorf("prepare a panel of one finger: %w", err)
	}
	defer through.Close()
	if err := unix.IoctlSetInt(fd, grab, 1); err != nil {
		return fmt.Errorf("grab %s: %w", device, err)
	}
	if err := unix.IoctlSetInt(made, create, 0); err != nil {
		return fmt.Errorf("make a panel of one finger: %w", err)
	}
	slog.Info("touch is filtered", "device", device)
	return pass(panel, through, rules(x, y, major))
}

// rules are in the units of a panel. Where it does not say how many make a millimetre,
// nobody is a palm for its size.
func rules(x, y, major axis) Rules {
	const palm, still = 25, 6 // mm; a thumb flat on the glass covers up to 20
	r := Rules{Still: (x.Max - x.Min) / 50, Rest: 700 * time.Millisecond, Long: 5 * time.Second, AsideX: x.Min, AsideY: y.Min}
	if x.Resolution > 0 {
		r.Still = still * x.Resolution
		r.Palm = palm * x.Resolution
	}
	if major.Resolution > 0 {
		r.Palm = palm * major.Resolution
	}
	if major.Max <= major.Min {
		r.Palm = 0
	}
	return r
}

// pass lets one finger through, from the events of a panel to those of another.
func pass(from io.Reader, to io.Writer, r Rules) error {
	var (
		seen  slots
		state State
		id    int32
		raw   [bytesOfEvent]byte
	)
	for {
		if _, err := io.ReadFull(from, raw[:]); err != nil {
			return fmt.Errorf("read the panel: %w", err)
		}
		f, whole := seen.take(readEvent(raw))
		if !whole {
			continue
		}
		var strokes []Stroke
		state, strokes = Step(state, r, f)
		for _, s := range strokes {
			if s.Act == Down {
				id = (id + 1) & 0xffff
			}
			if _, err := to.Write(report(s, id)); err != nil {
				return fmt.Errorf("pass a touch on: %w", err)
			}
		}
	}
}

// report is a stroke as the kernel takes it, for those who know of contacts and for
// those who do not.
func report(s Stroke, id int32) []byte {
	var all []event
	add := func(kind, code uint16, value int32) { all = append(all, event{kind: kind, code: code, value: value}) }
	place := func() {
		add(evAbs, absMTX, s.X)
		add(evAbs, absMTY, s.Y)
	}
	switch s.Act {
	case Down:
		add(evAbs, absID, id)
		place()
		add(evKey, btnTouch, 1)
	case Move:
		place()
	case Up:
		add(evAbs, absID, -1)
		add(evKey, btnTouch, 0)
	}
	if s.Act != Up {
		add(evAbs, absX, s.X)
		add(evAbs, absY, s.Y)
	}
	add(evSyn, synReport, 0)
	var b []byte
	for _, e := range all {
		b = append(b, e.bytes()...)
	}
	return b
}

// Requests of linux/input.h and linux/uinput.h.
const (
	grab        = 0x40044590 // EVIOCGRAB
	absInfo     = 0x80184540 // EVIOCGABS(0)
	setEvents   = 0x40045564 // UI_SET_EVBIT
	setKeys     = 0x40045565 // UI_SET_KEYBIT
	setAxes     = 0x40045567 // UI_SET_ABSBIT
	setProperty = 0x4004556e // UI_SET_PROPBIT
	direct      = 1          // INPUT_PROP_DIRECT: it lies on what it shows
	create      = 0x5501     // UI_DEV_CREATE
)

// axis is struct input_absinfo. Resolution is in units a millimetre; 0: not known.
type axis struct{ Value, Min, Max, Fuzz, Flat, Resolution int32 }

// extent is what a panel says of an axis.
func extent(panel int, code uintptr) (a axis, err error) {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(panel), absInfo+code, uintptr(unsafe.Pointer(&a))); errno != 0 {
		return a, fmt.Errorf("axis %#x: %w", code, errno)
	}
	if a.Max <= a.Min {
		return a, fmt.Errorf("axis %#x from %d to %d", code, a.Min, a.Max)
	}
	return a, nil
}

// oneFinger is the name of the panel that lets one through.
const oneFinger = "Coldstation, one finger"

// prepare describes a panel for so many fingers. It is there from a create until it
// is closed.
func prepare(name string, x, y axis, fingers int32) (fd int, f *os.File, err error) {
	fd, f, err = open("/dev/uinput", unix.O_WRONLY)
	if err != nil {
		return 0, nil, err
	}
	for _, set := range []struct {
		request uint
		values  []int
	}{
		{setEvents, []int{evSyn, evKey, evAbs}}, {setKeys, []int{btnTouch}}, {setProperty, []int{direct}},
		{setAxes, []int{absX, absY, absSlot, absMTX, absMTY, absID}},
	} {
		for _, v := range set.values {
			err = errors.Join(err, unix.IoctlSetInt(fd, set.request, v))
		}
	}
	if err == nil {
		_, err = f.Write(description(name, x, y, fingers))
	}
	if err != nil {
		f.Close()
		return 0, nil, err
	}
	return fd, f, nil
}

// open opens a device for ioctls, and as a file whose Close ends a Read.
func open(device string, how int) (fd int, f *os.File, err error) {
	fd, err = unix.Open(device, how|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, nil, &fs.PathError{Op: "open", Path: device, Err: err}
	}
	return fd, os.NewFile(uintptr(fd), device), nil
}

// description is struct uinput_user_dev: a name, its numbers, and the ends of 64 axes.
func description(name string, x, y axis, fingers int32) []byte {
	var d struct {
		Name                          [80]byte
		Bus, Vendor, Product, Version uint16
		Effects                       uint32
		Max, Min, Fuzz, Flat          [64]int32
	}
	const virtual = 6 // BUS_VIRTUAL
	copy(d.Name[:], name)
	d.Bus, d.Version = virtual, 1
	d.Max[absX], d.Min[absX], d.Max[absMTX], d.Min[absMTX] = x.Max, x.Min, x.Max, x.Min
	d.Max[absY], d.Min[absY], d.Max[absMTY], d.Min[absMTY] = y.Max, y.Min, y.Max, y.Min
	d.Max[absSlot], d.Max[absID] = fingers-1, 0xffff
	var b bytes.Buffer
	// A struct of fixed size, to memory.
	_ = binary.Write(&b, binary.NativeEndian, d)
	return b.Bytes()
}
