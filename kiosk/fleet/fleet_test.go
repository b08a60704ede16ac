package fleet

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestFleet(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			s, err := Run(ctx, Options{Stations: 6, Visits: 5, Faults: true, Seed: seed, Folder: t.TempDir()})
			t.Logf("%+v", s)
			if err != nil {
				t.Error(err)
			}
			if !s.Sound() || s.Delivered != s.Events || s.Events < 6*5 {
				t.Errorf("%+v", s)
			}
		})
	}
}
