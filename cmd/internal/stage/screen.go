package stage

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Screen is a display in memory (Xvfb) whose picture can be taken and that can
// be touched and typed on as by a person.
type Screen struct {
	Display string // DISPLAY of the programs that show on it
	xvfb    *Program
	pixels  string
}

// Screen starts a display of width by height pixels.
func (s *Stage) Screen(ctx context.Context, width, height int) (*Screen, error) {
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		return nil, fmt.Errorf("start a screen: %w", err)
	}
	dir, err := os.MkdirTemp(s.Dir, "screen")
	if err != nil {
		return nil, err
	}
	// Xvfb chooses a free number itself and writes it where -displayfd says.
	numbers, chosen, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer numbers.Close()
	cmd := exec.Command(path, "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height),
		"-fbdir", dir, "-nolisten", "tcp", "-noreset")
	cmd.ExtraFiles = []*os.File{chosen}
	xvfb, err := s.start("Xvfb", cmd)
	chosen.Close()
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := numbers.SetReadDeadline(deadline); err != nil {
			return nil, err
		}
	}
	line, err := bufio.NewReader(numbers).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("start a screen: %w: %s", err, xvfb.Tail(5))
	}
	number, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return nil, fmt.Errorf("start a screen: %w", err)
	}
	return &Screen{Display: ":" + strconv.Itoa(number), xvfb: xvfb, pixels: filepath.Join(dir, "Xvfb_screen0")}, nil
}

// Env is the environment of a program that shows on the screen.
func (s *Screen) Env() []string {
	return []string{"DISPLAY=" + s.Display, "LIBGL_ALWAYS_SOFTWARE=1"}
}

// Picture is what the screen shows now.
//
// Xvfb keeps its frame buffer in a file in the format of X Window Dump version
// 7: a big-endian header of 32-bit words (word 0 its size, 4 and 5 width and
// height, 12 bytes per line, 19 the number of 12-byte colours that follow), then
// the pixels, here 32 bits each as B, G, R, unused. Source: X11/XWDFile.h.
func (s *Screen) Picture() (*image.RGBA, error) {
	dump, err := os.ReadFile(s.pixels)
	if err != nil {
		return nil, err
	}
	const words = 25
	if len(dump) < 4*words {
		return nil, fmt.Errorf("read %s: %d bytes are no screen", s.pixels, len(dump))
	}
	word := func(i int) int { return int(binary.BigEndian.Uint32(dump[4*i:])) }
	width, height, stride := word(4), word(5), word(12)
	start := word(0) + 12*word(19)
	if word(1) != 7 || word(11) != 32 || len(dump) < start+stride*height {
		return nil, fmt.Errorf("read %s: not a screen of 32 bits a pixel", s.pixels)
	}
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		line := dump[start+y*stride:]
		for x := range width {
			at := picture.Pix[picture.PixOffset(x, y):]
			at[0], at[1], at[2], at[3] = line[4*x+2], line[4*x+1], line[4*x], 0xFF
		}
	}
	return picture, nil
}

// Save writes what the screen shows now to a PNG file, once it has stood still
// for a moment: two pictures a tenth of a second apart are the same.
func (s *Screen) Save(ctx context.Context, path string) error {
	var last *image.RGBA
	err := Until(ctx, "the screen to stand still", func() error {
		now, err := s.Picture()
		if err != nil {
			return err
		}
		still := last != nil && bytes.Equal(now.Pix, last.Pix)
		last = now
		if !still {
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
			return fmt.Errorf("it still moves")
		}
		return nil
	})
	if err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return png.Encode(file, last)
}

// Touch presses and lets go at a point of the screen.
func (s *Screen) Touch(x, y int) error {
	return s.xdotool("mousemove", "--sync", strconv.Itoa(x), strconv.Itoa(y), "mousedown", "1", "mouseup", "1")
}

// Key presses a key by its X name: "Return", "Tab", "Escape".
func (s *Screen) Key(name string) error { return s.xdotool("key", name) }

func (s *Screen) xdotool(args ...string) error {
	cmd := exec.Command("xdotool", args...)
	cmd.Env = append(os.Environ(), s.Env()...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("xdotool %s: %w: %s", args[0], err, bytes.TrimSpace(out))
	}
	return nil
}
