package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"coldstation/kiosk/fleet"
)

// part is the word with which fleetsim starts itself as a piece of the fleet:
// fleetsim part ROLE.
const part = "part"

func play(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("fleetsim %s ROLE is for fleetsim itself", part)
	}
	return fleet.Play(ctx, args[1], os.Stdin, os.Stdout)
}

// spawn runs a part of the fleet as a process. SIGKILL is how it ends before its
// time.
func spawn(role string) (fleet.Part, error) {
	self, err := os.Executable()
	if err != nil {
		return fleet.Part{}, err
	}
	cmd := exec.Command(self, part, role)
	cmd.Stderr = os.Stderr
	// A fleet that is killed takes its parts with it, and Ctrl+C is the fleet's to
	// hear.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	orders, err := cmd.StdinPipe()
	if err != nil {
		return fleet.Part{}, err
	}
	words, mouth, err := os.Pipe()
	if err != nil {
		return fleet.Part{}, err
	}
	cmd.Stdout = mouth
	err = cmd.Start()
	mouth.Close()
	if err != nil {
		words.Close()
		return fleet.Part{}, err
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended it said itself, or was killed
		close(gone)
	}()
	kill := func() {
		_ = cmd.Process.Kill() // fails only for one that has ended
		<-gone
	}
	return fleet.Part{Orders: orders, Words: words, Kill: kill}, nil
}
