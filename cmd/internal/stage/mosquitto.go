package stage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// Mosquitto starts Debian's MQTT broker at a loopback address, for anybody.
// Nothing is kept when it ends.
func (s *Stage) Mosquitto(ctx context.Context, addr string) (*Program, error) {
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		// Debian keeps it where only root looks.
		path = "/usr/sbin/mosquitto"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(s.Dir, "mosquitto.conf")
	// Without set_tcp_nodelay a round trip takes 46 ms: Nagle against delayed ACK.
	text := fmt.Sprintf("listener %s %s\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n", port, host)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return nil, err
	}
	broker, err := s.start("mosquitto", exec.Command(path, "-c", file))
	if err != nil {
		return nil, err
	}
	return broker, Until(ctx, "mosquitto", func() error { return errors.Join(broker.Alive(), Listens(addr)) })
}
