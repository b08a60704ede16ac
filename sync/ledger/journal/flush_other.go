//go:build !linux

package journal

import "os"

type flushed struct{ *os.File }
