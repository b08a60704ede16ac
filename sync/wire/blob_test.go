package wire

import (
	"crypto/ed25519"
	"errors"
	"testing"

	"coldstation/sync/circ"
)

// TestHostileBlobs: what asks for or brings more than a blob has is not believed.
func TestHostileBlobs(t *testing.T) {
	down := Channel{"maple-house", Down}
	key := goldenSigning.Public().(ed25519.PublicKey)
	long := make([]byte, MaxPiece+1)
	for name, tt := range map[string]struct {
		message Message
		want    error
	}{
		"a question":             {Want{Blob: goldenBlob, Offset: circ.MaxBlob - 1}, nil},
		"a question for nothing": {Want{}, ErrMalformed},
		"a question far behind":  {Want{Blob: goldenBlob, Offset: circ.MaxBlob}, ErrMalformed},
		"a piece":                {Piece{Blob: goldenBlob, Offset: circ.MaxBlob - 5, Size: circ.MaxBlob, Bytes: long[:5]}, nil},
		"the whole":              {Piece{Blob: goldenBlob, Size: 5, Bytes: long[:5]}, nil},
		"no such blob":           {Piece{Blob: goldenBlob}, nil},
		"of no blob":             {Piece{Size: 5, Bytes: long[:5]}, ErrMalformed},
		"of a blob too long":     {Piece{Blob: goldenBlob, Size: circ.MaxBlob + 1, Bytes: long[:5]}, ErrMalformed},
		"a piece too long":       {Piece{Blob: goldenBlob, Size: circ.MaxBlob, Bytes: long}, ErrMalformed},
		"beyond the end":         {Piece{Blob: goldenBlob, Offset: 1, Size: 5, Bytes: long[:5]}, ErrMalformed},
		"behind the end":         {Piece{Blob: goldenBlob, Offset: 6, Size: 5, Bytes: long[:1]}, ErrMalformed},
		"at the end of all":      {Piece{Blob: goldenBlob, Offset: 1<<64 - 1, Size: 5, Bytes: long[:1]}, ErrMalformed},
		"nothing of something":   {Piece{Blob: goldenBlob, Size: 5}, ErrMalformed},
		"something of no size":   {Piece{Blob: goldenBlob, Bytes: long[:1]}, ErrMalformed},
		"an offset in no blob":   {Piece{Blob: goldenBlob, Offset: 1}, ErrMalformed},
	} {
		payload, err := down.Seal(goldenSigning, tt.message)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := down.Open(key, payload); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}
