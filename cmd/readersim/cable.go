package main

import (
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"coldstation/rfid/sim"
)

// cable is where the simulated reader is plugged in. Both methods may
// be called in any order and again.
type cable interface {
	plug() (where string, err error)
	unplug()
}

// terminal is a pseudo-terminal under a stable name. Each plug makes a new one,
// as the kernel does for a USB reader. Hosts may come and go; as on a serial
// port, what the reader says while none has it open is heard by nobody.
type terminal struct {
	link string
	line *sim.Line

	mu     sync.Mutex
	master *os.File
	slave  string // its name
	served chan struct{}
}

func (t *terminal) plug() (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.master != nil {
		return t.slave, nil
	}
	master, slave, err := openTerminal()
	if err != nil {
		return "", fmt.Errorf("make a terminal: %w", err)
	}
	fail := func(err error) (string, error) {
		master.Close()
		return "", err
	}
	if old, err := os.Lstat(t.link); err == nil {
		if old.Mode()&os.ModeSymlink == 0 {
			return fail(fmt.Errorf("link %s: a file of that name exists and is no link", t.link))
		}
		os.Remove(t.link)
	}
	if err := os.Symlink(slave, t.link); err != nil {
		return fail(fmt.Errorf("link %s: %w", t.link, err))
	}
	t.master, t.slave, t.served = master, slave, make(chan struct{})
	go func(done chan struct{}) {
		for awaitHost(master) {
			t.line.Serve(master)
			forget(slave)
		}
		close(done)
	}(t.served)
	return fmt.Sprintf("%s (%s)", t.link, slave), nil
}

func (t *terminal) unplug() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.master == nil {
		return
	}
	if to, err := os.Readlink(t.link); err == nil && to == t.slave {
		os.Remove(t.link)
	}
	t.master.Close()
	<-t.served
	t.line.Device.Reset()
	t.master = nil
}

// openTerminal makes a pseudo-terminal that passes all bytes as they are. Its
// master is opened without blocking, so that it heeds deadlines and Close.
func openTerminal() (master *os.File, slave string, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, "", fmt.Errorf("open /dev/ptmx: %w", err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	defer func() {
		if err != nil {
			master.Close()
		}
	}()
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, "", fmt.Errorf("unlock the terminal: %w", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, "", fmt.Errorf("number of the terminal: %w", err)
	}
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, "", fmt.Errorf("settings of the terminal: %w", err)
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, t); err != nil {
		return nil, "", fmt.Errorf("set the terminal raw: %w", err)
	}
	// The kernel tells of a host that has left only after one has been there.
	slave = fmt.Sprintf("/dev/pts/%d", n)
	first, err := os.OpenFile(slave, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, "", err
	}
	return master, slave, first.Close()
}

// awaitHost waits until a host has the terminal open, or has left something in
// it. It is false once the master is closed.
func awaitHost(master *os.File) (there bool) {
	conn, err := master.SyscallConn()
	if err != nil {
		return false
	}
	for look := time.NewTicker(5 * time.Millisecond); ; <-look.C { // the kernel wakes nobody when it is opened
		err := conn.Control(func(fd uintptr) {
			poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			_, _ = unix.Poll(poll, 0)
			there = poll[0].Revents&unix.POLLIN != 0 || poll[0].Revents&unix.POLLHUP == 0
		})
		if err != nil || there {
			look.Stop()
			return err == nil
		}
	}
}

// forget clears away what a host that has left did not read, as the kernel does
// at a serial port.
func forget(slave string) {
	if f, err := os.OpenFile(slave, os.O_RDWR|unix.O_NOCTTY, 0); err == nil {
		_ = unix.IoctlSetInt(int(f.Fd()), unix.TCFLSH, unix.TCIFLUSH)
		f.Close()
	}
}

// socket is a reader on the network. It has one connection at a time; a new
// one ends the old, as after a host that crashed.
type socket struct {
	address string
	line    *sim.Line

	mu     sync.Mutex
	listen net.Listener
	served chan struct{}
}

func (s *socket) plug() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listen != nil {
		return s.address, nil
	}
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	s.address = l.Addr().String() // the same one again, if it was chosen by the system
	s.listen, s.served = l, make(chan struct{})
	go s.accept(l, s.served)
	return "tcp:" + s.address, nil
}

func (s *socket) accept(l net.Listener, done chan struct{}) {
	defer close(done)
	var last net.Conn
	ended := make(chan struct{})
	close(ended)
	for {
		c, err := l.Accept()
		if last != nil {
			last.Close()
			<-ended
		}
		if err != nil {
			return
		}
		last, ended = c, make(chan struct{})
		go func(done chan struct{}) { s.line.Serve(c); c.Close(); close(done) }(ended)
	}
}

func (s *socket) unplug() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listen == nil {
		return
	}
	s.listen.Close()
	<-s.served
	s.line.Device.Reset()
	s.listen = nil
}
