package enrol

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"coldstation/sync/circ"
)

// Protocol is the name that both ends agree on in the handshake (ALPN).
const Protocol = "coldstation-enrol/1"

const maxLine = 16 << 10

// Question is what a station asks.
type Question struct {
	Code    []byte `json:"code,omitempty"`  // the code's id; none to renew
	Proof   []byte `json:"proof,omitempty"` // ByStation, of Request
	Request []byte `json:"request"`         // PKCS #10
}

// Answer is what the hub says to it.
type Answer struct {
	Refused Reason `json:"refused,omitempty"`
	Grant   []byte `json:"grant,omitempty"` // a Grant in JSON
	Proof   []byte `json:"proof,omitempty"` // ByHub, of Grant; none for a renewal
}

// Grant is what makes a station of the one who asked.
type Grant struct {
	Station     circ.StationID `json:"station"`
	Certificate []byte         `json:"certificate"`
	// What follows is left out of a renewal.
	Broker    string `json:"broker,omitempty"`    // mqtts://host:port
	Authority []byte `json:"authority,omitempty"` // the certificate to pin
	Library   []byte `json:"library,omitempty"`   // Ed25519, signs what comes down
	Sealing   []byte `json:"sealing,omitempty"`   // X25519, patrons are sealed to it
	Shard     int    `json:"shard"`               // of the station's topics
}

// Reason is why a question was refused.
type Reason string

// The reasons. A newer hub may have others.
const (
	Unknown Reason = "unknown" // no such code, or not who has it
	Expired Reason = "expired"
	Used    Reason = "used"
	Limited Reason = "limited" // too many wrong tries from there
	Revoked Reason = "revoked" // the station is turned away, or has other keys now
	Strange Reason = "strange" // the question is not understood
	Failed  Reason = "failed"  // the hub's log says why
)

// Refusal is the error of a question that was refused.
type Refusal struct{ Reason Reason }

func (r *Refusal) Error() string {
	if text, is := sentences[r.Reason]; is {
		return "the hub refuses: " + text
	}
	return fmt.Sprintf("the hub refuses for a reason of a newer version: %.40q", string(r.Reason))
}

var sentences = map[Reason]string{
	Unknown: "it does not know this code; a newer one for the same station may have replaced it: ask the library",
	Expired: "the code has expired; ask the library for a new one",
	Used:    "the code was used already; if that was not you, tell the library at once, else ask it for a new one",
	Limited: "there were too many wrong codes from here; wait ten minutes",
	Revoked: "this station is no longer known by its key; ask the library for a new code",
	Strange: "it does not understand this program; update the older of the two",
	Failed:  "something failed at the hub, whose log says what; try again in a moment",
}

// Write sends one line.
func Write(to io.Writer, value any) error {
	line, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = to.Write(append(line, '\n'))
	return err
}

// Read reads one line.
func Read(from io.Reader, value any) error {
	line, err := bufio.NewReaderSize(io.LimitReader(from, maxLine), maxLine).ReadBytes('\n')
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return fmt.Errorf("a line without an end after %d bytes", len(line))
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(line, value)
}
