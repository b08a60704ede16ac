//go:build !linux

package journal

import "os"

const through = 0

type flushed struct{ *os.File }
