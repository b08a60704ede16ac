// Package stage puts a whole library on one machine, as the demo shows it and
// the end-to-end tests drive it: the real programs, a screen (Xvfb where there
// is none), a simulated pad on a pseudo-terminal, a broker, and a network cable
// that can be pulled.
package stage

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Stage is a folder in which programs run and leave their data and logs.
type Stage struct {
	Dir string // data, logs and sockets
	Bin string // where the built programs are

	mu      sync.Mutex
	running []*Program
}

// Program is one running process of a stage.
type Program struct {
	Name string
	Log  string // its standard output and error
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Start runs the program bin/name with args in the stage's folder. Its output
// goes to NAME.log; env adds to the environment.
func (s *Stage) Start(name string, env []string, args ...string) (*Program, error) {
	return s.start(name, s.program(name, env, args))
}

func (s *Stage) program(name string, env, args []string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.Bin, name), args...)
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

func (s *Stage) start(name string, cmd *exec.Cmd) (*Program, error) {
	log, err := os.OpenFile(filepath.Join(s.Dir, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close()
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, log, log
	// A stage that is killed takes its programs with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Program{Name: name, Log: log.Name(), cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	s.mu.Lock()
	s.running = append(s.running, p)
	s.mu.Unlock()
	return p, nil
}

// Run runs the program bin/name to its end and answers what it printed.
func (s *Stage) Run(name string, args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(s.Bin, name), args...)
	cmd.Dir = s.Dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// Stop asks p to end and kills it when it has not within five seconds.
func (p *Program) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only for a program that has ended
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		p.Kill()
	}
}

// Kill ends p as a power cut does.
func (p *Program) Kill() {
	_ = p.cmd.Process.Kill() // fails only for a program that has ended
	<-p.done
}

// Done is closed when p has ended.
func (p *Program) Done() <-chan struct{} { return p.done }

// Close stops what still runs, the last started first.
func (s *Stage) Close() {
	s.mu.Lock()
	running := s.running
	s.running = nil
	s.mu.Unlock()
	for i := len(running) - 1; i >= 0; i-- {
		running[i].Stop()
	}
}

// Until asks check again and again until it is content or ctx ends, and then
// says what was still missing.
func Until(ctx context.Context, what string, check func() error) error {
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for %s: %w", what, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Get reads a JSON page of the hub into value.
func Get(url string, value any) error {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(answer.Body, 200))
		return fmt.Errorf("%s: %s: %s", url, answer.Status, body)
	}
	return json.NewDecoder(answer.Body).Decode(value)
}

// FreeAddr is a loopback address that nothing listens on at this moment.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// Listens reports as an error that nobody answers at addr yet.
func Listens(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return err
	}
	return conn.Close()
}

// Tail is the end of p's log, for a message to a person.
func (p *Program) Tail(lines int) string {
	file, err := os.Open(p.Log)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	var last []string
	for scan := bufio.NewScanner(file); scan.Scan(); {
		last = append(last, scan.Text())
		if len(last) > lines {
			last = last[1:]
		}
	}
	return strings.Join(last, "\n")
}

// ErrEnded is a program that ended although it was to stay.
var ErrEnded = errors.New("ended")

// Alive reports as an error, with the end of its log, that p has ended.
func (p *Program) Alive() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s: %w\n%s", p.Name, errors.Join(ErrEnded, p.err), p.Tail(15))
	default:
		return nil
	}
}
