package stage

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestCable(t *testing.T) {
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	go func() {
		for {
			conn, err := far.Accept()
			if err != nil {
				return
			}
			go io.Copy(conn, conn)
		}
	}()
	cable, err := Connect(far.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer cable.Cut()
	echo := func(conn net.Conn) error {
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Write([]byte("hello")); err != nil {
			return err
		}
		_, err := io.ReadFull(conn, make([]byte, 5))
		return err
	}
	conn, err := net.Dial("tcp", cable.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if err := echo(conn); err != nil {
		t.Fatalf("through a whole cable: %v", err)
	}
	cable.Cut()
	if err := echo(conn); err == nil {
		t.Error("a cut cable still carries")
	}
	if _, err := net.Dial("tcp", cable.Addr()); err == nil {
		t.Error("a cut cable takes a new connection")
	}
	if err := cable.Heal(); err != nil {
		t.Fatal(err)
	}
	conn, err = net.Dial("tcp", cable.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if err := echo(conn); err != nil {
		t.Errorf("through a healed cable: %v", err)
	}
}

func TestScreen(t *testing.T) {
	if _, err := exec.LookPath("Xvfb"); err != nil {
		if os.Getenv("REAL") != "" {
			t.Fatal(err)
		}
		t.Skip("no Xvfb here; make setup brings it")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s := &Stage{Dir: t.TempDir()}
	defer s.Close()
	screen, err := s.Screen(ctx, 320, 200)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.Dir, "screen.png")
	if err := screen.Save(ctx, file); err != nil {
		t.Fatal(err)
	}
	picture, err := screen.Picture()
	if err != nil {
		t.Fatal(err)
	}
	if got := picture.Bounds().Size(); got.X != 320 || got.Y != 200 {
		t.Errorf("the picture is %v, want 320 by 200", got)
	}
	if err := screen.Touch(10, 10); err != nil {
		t.Error(err)
	}
}
