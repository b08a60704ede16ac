package speech

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Headphones reports whether something is plugged into a headphone socket. Linux
// shows such a socket as an input device with one switch, which the group "input"
// may read. A socket that nothing watches, as that of most USB sound cards, counts
// as empty: a station whose only ear is a handset says Always.
func Headphones() bool { return plugged("/sys/class/input", "/dev/input", switches) }

// headphoneInsert is SW_HEADPHONE_INSERT of linux/input-event-codes.h.
const headphoneInsert = 0x02

func plugged(classes, devices string, switches func(device string) (int, error)) bool {
	events, _ := filepath.Glob(filepath.Join(classes, "event*"))
	for _, event := range events {
		has, err := os.ReadFile(filepath.Join(event, "device/capabilities/sw"))
		if err != nil {
			continue
		}
		// Words in hex, the lowest last.
		words := strings.Fields(string(has))
		if len(words) == 0 {
			continue
		}
		lowest, err := strconv.ParseUint(words[len(words)-1], 16, 64)
		if err != nil || lowest&(1<<headphoneInsert) == 0 {
			continue
		}
		if on, err := switches(filepath.Join(devices, filepath.Base(event))); err == nil && on&(1<<headphoneInsert) != 0 {
			return true
		}
	}
	return false
}

// getSwitches is EVIOCGSW(4) of linux/input.h: the first 32 switches.
const getSwitches = 0x80000000 | 4<<16 | 'E'<<8 | 0x1b

func switches(device string) (int, error) {
	f, err := os.OpenFile(device, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return unix.IoctlGetInt(int(f.Fd()), getSwitches)
}
