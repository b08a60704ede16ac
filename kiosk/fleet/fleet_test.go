package fleet

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

func TestFleet(t *testing.T) {
	for _, seed := range []uint64{1, 2, 3} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			const stations, visits = 5, 4
			s, err := Run(t.Context(), Options{Stations: stations, Visits: visits, Faults: true, Seed: seed, Crews: 2, Folder: t.TempDir(), Patience: time.Minute})
			if err != nil {
				t.Error(err)
			}
			if !s.Sound() || s.Stations != stations || s.Delivered != s.Events || s.Events < stations*(1+visits) || s.Seed != seed {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestNoFleet(t *testing.T) {
	for _, o := range []Options{{}, {Stations: 1, Visits: -1}, {Hub: archive{}}} {
		if s, err := Run(t.Context(), o); err == nil {
			t.Errorf("%+v ran: %+v", o, s)
		}
	}
}

// The same seed draws the same faults, each kind of them, all before the last
// visits are over.
func TestPlan(t *testing.T) {
	f := &fleet{Options: Options{Stations: 7, Crews: 2}, hub: &worker{}}
	drawn := func(seed uint64) []fault { return plan(rand.New(rand.NewPCG(seed, 0)), f, 100) }
	one := drawn(1)
	if again, other := drawn(1), drawn(2); !reflect.DeepEqual(one, again) || reflect.DeepEqual(one, other) {
		t.Errorf("seed 1 draws\n%v, then\n%v, and seed 2\n%v", one, again, other)
	}
	kinds := make(map[kind]bool)
	for i, fault := range one {
		kinds[fault.kind] = true
		if fault.after < 0 || fault.after > 90 || i > 0 && fault.after < one[i-1].after || fault.long <= 0 {
			t.Errorf("fault %d of 100 visits: %+v", i, fault)
		}
		if fault.who >= 7 || fault.kind == killCrew && fault.who >= 2 {
			t.Errorf("fault %d happens to nobody: %+v", i, fault)
		}
	}
	f.Kills = 30
	killed := map[kind]int{}
	for _, fault := range drawn(1) {
		killed[fault.kind]++
	}
	if killed[killCrew] != 16 || killed[killHub] != 16 {
		t.Errorf("30 killings more are %v", killed)
	}
	for _, k := range []kind{cutOne, hangOne, halfOne, slowOne, cutAll, crashOne, killCrew, killHub, cutHub, hangHub} {
		if !kinds[k] {
			t.Errorf("%q never happens", k)
		}
	}
}
