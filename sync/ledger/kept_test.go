package ledger

import (
	"bytes"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"coldstation/sync/circ"
)

func TestKeptForThePerson(t *testing.T) {
	b := newLender(t)
	helmi, veikko := circ.NewPatronID("2900123"), circ.NewPatronID("2900456")
	look := []byte{1, 2, 3}
	if got, err := b.Remembered(b.Ref(helmi)); got != nil || err != nil {
		t.Errorf("of a stranger %v is remembered, %v", got, err)
	}
	if err := b.Remember(b.Ref(helmi), look); err != nil {
		t.Fatal(err)
	}
	if err := b.NoteHad(helmi, "Sinuhe egyptiläinen"); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Remembered(b.Ref(helmi)); !bytes.Equal(got, look) || err != nil {
		t.Errorf("remembers %v, %v, want %v", got, err, look)
	}
	for _, c := range []struct {
		who  circ.PatronID
		work string
		want bool
	}{{helmi, "Sinuhe egyptiläinen", true}, {veikko, "Sinuhe egyptiläinen", false}, {helmi, "Kalevala", false}} {
		if got, err := b.Had(c.who, c.work); got != c.want || err != nil {
			t.Errorf("%v had %s: %v, %v, want %v", c.who, c.work, got, err, c.want)
		}
	}
	raw, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, plain := range []string{"2900123", "Sinuhe"} {
		if bytes.Contains(raw, []byte(plain)) {
			t.Errorf("the file says %s", plain)
		}
	}
	if err := b.ForgetHad(helmi, "Sinuhe egyptiläinen"); err != nil {
		t.Fatal(err)
	}
	if err := b.Remember(b.Ref(helmi), nil); err != nil {
		t.Fatal(err)
	}
	if had, err := b.Had(helmi, "Sinuhe egyptiläinen"); had || err != nil {
		t.Errorf("had what was taken back: %v, %v", had, err)
	}
	if got, err := b.Remembered(b.Ref(helmi)); got != nil || err != nil {
		t.Errorf("remembers %v, %v, which was forgotten", got, err)
	}
}

func TestTiles(t *testing.T) {
	l := newLender(t)
	stream := uuid.New()
	helmi := circ.Patron{ID: circ.NewPatronID("2900123"), FirstName: "Helmi", Policy: "special", Language: "sv", Picture: "boat",
		Secret: "$argon2id$", Cards: []string{"04AABBCC"}, Recalls: true}
	veikko := circ.Patron{ID: circ.NewPatronID("2900456"), FirstName: "Veikko"}
	l.tell(stream, circ.PatronPut{Patron: helmi}, circ.PatronPut{Patron: veikko})
	tiles, err := l.Tiles()
	if err != nil || len(tiles) != 1 {
		t.Fatalf("got %v, %v, want Helmi's alone, who agreed", tiles, err)
	}
	want := helmi
	want.ID, want.Cards = circ.PatronID{}, nil
	if got := tiles[0]; got.Ref != l.Ref(helmi.ID) || !reflect.DeepEqual(got.Patron, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	// She borrows without her card: the log knows her already.
	l.append(nil, circ.CheckedOut{Visit: 1, Item: "A", Patron: tiles[0].Ref, By: tiles[0].Ref})
	l.reopen() // a tile is nothing that damages a ledger
	l.verify()
	// With the card at hand, all is known.
	if got, _, known, err := l.Patron(circ.NewPatronID("04AABBCC")); !known || err != nil || !reflect.DeepEqual(got, helmi) {
		t.Errorf("got %v, %v, %v, want %v", got, known, err, helmi)
	}
	raw, err := os.ReadFile(l.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, plain := range []string{"2900123", "Helmi", "boat", "04AABBCC"} {
		if bytes.Contains(raw, []byte(plain)) {
			t.Errorf("the file says %s", plain)
		}
	}
	helmi.Picture = ""
	l.tell(stream, circ.PatronPut{Patron: helmi})
	if tiles, err := l.Tiles(); len(tiles) > 0 || err != nil {
		t.Errorf("got %v, %v, though she no longer agrees", tiles, err)
	}
}

func TestKeptForTheStaff(t *testing.T) {
	b := newLender(t)
	ref := b.Ref(circ.NewPatronID("2900123"))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(b.KeepTries(ref, []byte{4}))
	if got, err := b.Tries(ref); !bytes.Equal(got, []byte{4}) || err != nil {
		t.Errorf("tries %v, %v, want 4", got, err)
	}
	must(b.ForgetTries())
	if got, err := b.Tries(ref); got != nil || err != nil {
		t.Errorf("tries %v, %v, after all were forgotten", got, err)
	}
	must(b.KeepTries(ref, []byte{4}))
	must(b.KeepTries(ref, nil))
	if got, err := b.Tries(ref); got != nil || err != nil {
		t.Errorf("tries %v, %v, which were forgotten", got, err)
	}
	must(b.NoteCounted("2", noon.Wall))
	must(b.NoteCounted("1", noon.Wall))
	must(b.NoteCounted("1", noon.Wall.Add(time.Minute)))
	must(b.NoteHad(circ.NewPatronID("2900123"), "Kalevala"))
	if got, err := b.Counted(); err != nil || len(got) != 2 || !got["1"].Equal(noon.Wall.Add(time.Minute)) {
		t.Errorf("counted %v, %v", got, err)
	}
	must(b.ForgetCount())
	if got, err := b.Counted(); err != nil || len(got) != 0 {
		t.Errorf("counted %v, %v, after it was forgotten", got, err)
	}
	if had, err := b.Had(circ.NewPatronID("2900123"), "Kalevala"); !had || err != nil {
		t.Errorf("a count that was forgotten took %v with it, %v", had, err)
	}
	b.append(nil, circ.Placed{Item: "1"}, circ.CheckedIn{Item: "2"})
	for place, want := range map[Place][]circ.ItemID{Shelf: {"1"}, Box: {"2"}, Out: nil} {
		if got, err := b.At(place); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("at %d are %v, %v, want %v", place, got, err, want)
		}
	}
}
