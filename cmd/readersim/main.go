// Command readersim plays a reader with tags on it, on a pseudo-terminal or a
// network port, and looks at tags and at real readers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"coldstation/rfid/number"
	"coldstation/rfid/sim"
)

const usage = `readersim plays an RFID reader, byte for byte, for programs that want one.

  readersim --protocol feig --table FILE (--link PATH | --listen ADDR)
            [--fault KIND,…] [--rate SHARE] [--seed N] [--pace] [--control SOCKET]
            [--set CHOICE,…]
      plays a reader until it is interrupted. --link makes a pseudo-terminal and
      a link to it, --listen waits for one TCP connection at a time
      (127.0.0.1:10001). --fault spoils a share of requests (--rate, 0 to 1,
      default 0.1), all means every kind; the same --seed gives the same run.
      --pace takes the time a real line takes.
      The protocols are %[1]s;
      line is a barcode scanner, and put shows it something once.
      --set sets the reader up:
%[2]s        (twice: the first tag is listed twice, as happens; strict: only the next
        sequence number will do; polite: a long answer is sent when asked for)

while it runs, from another shell:
  readersim list              what lies on the pad and beside it
  readersim put NAME…         lay cards or items on the pad, by name or UID
  readersim lift NAME…        take them off
  readersim fail KIND…        spoil the next request, or the next few
  readersim unplug            pull the reader's cable
  readersim plug              put it back, and say where
  each takes --control SOCKET if more than one readersim runs; each readersim
  says at its start which is its own.
  The kinds of faults are no-request, no-answer (it is carried out all the same),
  late, split, noise, bad-crc, bad-length, unsolicited, reset, hang (2 to 5 s),
  lift (the tag goes in the middle of the next write), move (a tag comes or goes).

without a running one:
  readersim tag --hex HEX [--dsfid XX]
      says in one line of JSON what a tag's memory holds, from byte 0 on
  readersim tag --encode --item ID [--isil FI-He] [--part 1/2] [--usage 1]
            [--title TEXT] [--format 28560-3|28560-3-short|28560-2]
      the reverse: prints the memory in hexadecimal; the part is 1/1 unless told
  readersim number --rules FILE [--from line|tag|chip] EXAMPLE
      tries a library's rules for patron and item numbers: says what an example
      becomes and why. A rule a line, the first that fits decides:
        patron|item  line|tag|chip|any  PATTERN  STEP…
        item   any   \d{3}N\d{8}
        patron chip  [0-9A-F]{8}  reversed decimal pad=10
      The pattern is a regular expression for the whole text. The steps are
%[3]s
  readersim read PORT [--protocol auto] [--rules FILE] [--wait 30s]
      waits for something on a real reader, and says what it is, what is written
      in it, and what the rules make of it; --protocol line is a scanner
  readersim probe PORT
      finds the protocol of the reader on a port: /dev/ttyUSB0,
      usb:0403:6001, tcp:10.0.0.7:10001

A table is JSON, bytes in hexadecimal:
  {"cards": [{"name": "anna", "uid": "04A1B2C3D4E5F6", "on": false}],
   "items": [{"name": "moomin", "uid": "E004015012345678", "dsfid": "00",
              "afi": "07", "memory": "110101…", "on": true}]}
Only "uid" must be there. "on" is on the pad. Either may have a "barcode"; an item
without one is scanned by what its tag says. A card may have "sector1", "key_a"
and "key_b", an item "blocks", "blocksize", "locked" [number, …], "afi_locked" and
"eas".
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Printf(usage, strings.Join(sim.Names(), ", "), setups(), steps())
	case err != nil:
		fmt.Fprintln(os.Stderr, "readersim:", err)
		os.Exit(1)
	}
}

// steps lists the steps of number rules, in lines that fit.
func steps() string {
	var list strings.Builder
	column := 80
	for word := range strings.FieldsSeq(number.Steps()) {
		if column += 1 + len(word); column > 78 {
			list.WriteString("\n       ")
			column = 7 + 1 + len(word)
		}
		list.WriteString(" " + word)
	}
	return strings.TrimPrefix(list.String(), "\n")
}

// setups lists how readers can be set up.
func setups() string {
	var list strings.Builder
	for _, name := range sim.Names() {
		if choices := sim.Choices(name); len(choices) > 0 {
			fmt.Fprintf(&list, "        %-8s%s\n", name, strings.Join(choices, " "))
		}
	}
	return list.String()
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return flag.ErrHelp
	}
	switch verb, rest := args[0], args[1:]; verb {
	case "list", "put", "lift", "fail", "unplug", "plug":
		return remote(verb, rest, out)
	case "tag":
		return tag(rest, out)
	case "number":
		return tryNumber(rest, out)
	case "read":
		return readPort(ctx, rest, out)
	case "probe":
		return probe(rest, out)
	case "help", "--help", "-help", "-h":
		return flag.ErrHelp
	default:
		if !strings.HasPrefix(verb, "-") {
			return fmt.Errorf("%q: no such command; try readersim --help", verb)
		}
		return play(ctx, args, out)
	}
}

// flags is an empty set that prints nothing by itself.
func flags(name string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	return f
}

// given tells whether a flag was set.
func given(f *flag.FlagSet, name string) (is bool) {
	f.Visit(func(set *flag.Flag) { is = is || set.Name == name })
	return is
}

// misused tells where to read how a command is used.
func misused(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	return fmt.Errorf("%w; try readersim --help", err)
}

// parse takes flags wherever they stand and returns the other words.
func parse(f *flag.FlagSet, args []string) (words []string, err error) {
	for len(args) > 0 {
		if err := f.Parse(args); err != nil {
			return nil, misused(err)
		}
		if args = f.Args(); len(args) > 0 {
			words, args = append(words, args[0]), args[1:]
		}
	}
	return words, nil
}
