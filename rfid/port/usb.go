package port

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"coldstation/rfid"
)

// findUSB is the device file of the USB serial port VENDOR:PRODUCT[:SERIAL]. It
// reads sysfs, mounted at sys, itself: the serial library's list opens every
// built-in port and fails as a whole when one entry does. Of several equal ports
// the first by name is taken.
func findUSB(sys, id string) (string, error) {
	want := strings.SplitN(id, ":", 3)
	if len(want) < 2 || len(want[0]) != 4 || len(want[1]) != 4 {
		return "", fmt.Errorf("USB id %q: want VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL, four hexadecimal digits each", id)
	}
	ports, _ := filepath.Glob(filepath.Join(sys, "class/tty/*/device"))
	for _, p := range ports {
		dir, err := filepath.EvalSymlinks(p)
		if err != nil {
			continue // it was unplugged just now
		}
		for ; len(dir) > len(sys); dir = filepath.Dir(dir) {
			vendor, err := os.ReadFile(filepath.Join(dir, "idVendor"))
			if err != nil {
				continue
			}
			if same(vendor, want[0]) && same(attribute(dir, "idProduct"), want[1]) &&
				(len(want) < 3 || same(attribute(dir, "serial"), want[2])) {
				return filepath.Join("/dev", filepath.Base(filepath.Dir(p))), nil
			}
			break
		}
	}
	return "", fmt.Errorf("%w: no USB serial port is %s", rfid.ErrGone, id)
}

func attribute(dir, name string) []byte {
	b, _ := os.ReadFile(filepath.Join(dir, name))
	return b
}

func same(attribute []byte, want string) bool {
	return strings.EqualFold(strings.TrimSpace(string(attribute)), want)
}
