package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"coldstation/rfid/sim"
)

// A control connection carries one request, a line of words separated by tabs,
// and its answer: lines of text, the last "ok" or "error: " and why.

func defaultSocket() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "readersim.sock")
	}
	return filepath.Join(os.TempDir(), "readersim-"+strconv.Itoa(os.Getuid())+".sock")
}

// ownSocket is one that no other readersim takes.
func ownSocket() string {
	return filepath.Join(os.TempDir(), "readersim-"+strconv.Itoa(os.Getuid())+"-"+strconv.Itoa(os.Getpid())+".sock")
}

// listenControl takes the socket over from a readersim that is no more.
func listenControl(path string) (net.Listener, error) {
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return nil, fmt.Errorf("control %s: another readersim uses it; choose one with --control", path)
	}
	if s, err := os.Lstat(path); err == nil && s.Mode()&os.ModeSocket != 0 {
		os.Remove(path)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("control: %w", err)
	}
	return l, nil
}

// pad is what a control connection acts on.
type pad struct {
	table  *sim.Table
	faults *sim.Schedule
	cable  cable
}

func (p pad) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			line, err := bufio.NewReader(io.LimitReader(c, 1<<16)).ReadString('\n')
			if err != nil {
				return
			}
			words := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if err := p.do(c, words[0], words[1:]); err != nil {
				fmt.Fprintf(c, "error: %v\n", err)
				return
			}
			fmt.Fprintln(c, "ok")
		}()
	}
}

func (p pad) do(w io.Writer, verb string, names []string) error {
	act := map[string]func(string) error{
		"put": p.table.Put, "lift": p.table.Lift, "fail": func(kind string) error { return p.faults.Fail(sim.Fault(kind)) },
	}[verb]
	if err := named(verb, names); err != nil {
		return err
	}
	switch {
	case act != nil:
		for _, name := range names {
			if err := act(name); err != nil {
				return err
			}
		}
		return nil
	case verb == "unplug":
		p.cable.unplug()
		return nil
	case verb == "plug":
		where, err := p.cable.plug()
		if err == nil {
			fmt.Fprintln(w, where)
		}
		return err
	case verb == "list":
		for _, c := range p.table.Chips() {
			where := "beside"
			if c.On {
				where = "on pad"
			}
			fmt.Fprintf(w, "%s  %-20s  %-9s  %s", where, c.UID, c.Kind, c.Name)
			if c.Blocks() > 0 {
				fmt.Fprintf(w, "  AFI %s", c.AFI)
			}
			fmt.Fprintln(w)
		}
		return nil
	}
	return fmt.Errorf("%q: no such request", verb)
}

// named tells whether a request has names if it needs them, and none if not.
func named(verb string, names []string) error {
	switch verb {
	case "put", "lift":
		if len(names) == 0 {
			return fmt.Errorf("%s NAME…: what? readersim list has the names", verb)
		}
	case "fail":
		if len(names) == 0 {
			return fmt.Errorf("fail KIND…: how? there are %s", sim.FaultNames())
		}
	default:
		if len(names) > 0 {
			return fmt.Errorf("%s: %q: not expected", verb, names[0])
		}
	}
	return nil
}

// remote asks a running readersim.
func remote(verb string, args []string, out io.Writer) error {
	f := flags(verb)
	socket := f.String("control", defaultSocket(), "")
	names, err := parse(f, args)
	if err != nil {
		return err
	}
	if err := named(verb, names); err != nil {
		return err
	}
	c, err := net.Dial("unix", *socket)
	if err != nil {
		return fmt.Errorf("no readersim answers on %s; start one, or say with --control where it is: %w", *socket, err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := fmt.Fprintln(c, strings.Join(append([]string{verb}, names...), "\t")); err != nil {
		return err
	}
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		text := lines.Text()
		if why, failed := strings.CutPrefix(text, "error: "); failed {
			return errors.New(why)
		}
		if text == "ok" {
			return nil
		}
		fmt.Fprintln(out, text)
	}
	return fmt.Errorf("readersim broke off: %w", errors.Join(lines.Err(), io.ErrUnexpectedEOF))
}
