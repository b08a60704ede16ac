package ledger

import (
	"fmt"
	"os"
	"path/filepath"

	"coldstation/sync/circ"
)

// visits are how many a life on a disk has, each one transaction.
const visits = 24

// live is a station's life that ends by itself. It says what it has recorded in the
// disk's file of words and, like a kiosk, opens its ledger anew when something failed.
func live(path string) {
	words, err := os.OpenFile(filepath.Join(filepath.Dir(path), "words"), os.O_WRONLY, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	say := func(format string, args ...any) { fmt.Fprintf(words, format+"\n", args...) }
	var l *Ledger
	open := func() {
		for range 10 {
			if l, err = Open(path, killed); err == nil {
				return
			}
			say("failed to open: %v", err)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	again := func(err error) {
		say("failed: %v", err)
		_ = l.Close() // what it may say was said
		open()
	}
	open()
	for i := range visits {
		item := circ.ItemID(fmt.Sprint("item-", i))
		first, err := l.Append(noon, []circ.PatronID{eino}, circ.CheckedOut{Item: item, Patron: l.Ref(eino), Due: due}, circ.Placed{Item: item}, circ.ReadHere{Item: item})
		if err != nil {
			again(err)
			continue
		}
		_, last, err := l.Bounds()
		if err != nil {
			again(err)
			continue
		}
		say("kept %d", last)
		if i%5 == 4 {
			if err := l.SetMark(Hub, first); err != nil {
				again(err)
			}
		}
	}
	if err := l.Close(); err != nil {
		say("failed to close: %v", err)
	}
}
