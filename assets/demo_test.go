package assets

import (
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"coldstation/rfid/iso28560"
)

type table struct {
	Cards []struct {
		Name, UID string
		On        bool
	}
	Items []struct {
		Name, UID, DSFID, AFI, Memory string
		On                            bool
	}
}

// TestDemoTable: every copy of the demo's collection has a tag that holds
// exactly what the encoder writes, one for each of its parts, and every patron
// a card.
func TestDemoTable(t *testing.T) {
	var on table
	text, err := Demo.ReadFile("demo/table.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &on); err != nil {
		t.Fatal(err)
	}
	names, tags, uids := make(map[string]bool), make(map[string]bool), make(map[string]bool)
	for _, item := range on.Items {
		if names[item.Name] || uids[item.UID] {
			t.Errorf("%s: name or UID is there twice", item.Name)
		}
		names[item.Name], uids[item.UID] = true, true
		if len(item.UID) != 16 || !strings.HasPrefix(item.UID, "E0") {
			t.Errorf("%s: UID %s is not one of ISO 15693", item.Name, item.UID)
		}
		tags[item.Memory] = true
	}
	parts := 0
	for _, row := range rows(t, "items.csv") {
		n := int(row["parts"][0] - '0')
		for part := 1; part <= n; part++ {
			label := iso28560.Label{Item: row["barcode"], ISIL: "FI-Demo", Parts: n, Part: part, Usage: iso28560.Circulation}
			mem, err := iso28560.EncodePart3(label, iso28560.Layout{Block: 4, Room: 112})
			if err != nil {
				t.Fatal(err)
			}
			full := append(mem, make([]byte, 112-len(mem))...)
			if !tags[strings.ToUpper(hex.EncodeToString(full))] {
				t.Errorf("%s: no tag holds %X", row["title"], full)
			}
			parts++
		}
	}
	if got := len(on.Items); got != parts+2 {
		t.Errorf("%d tags, want %d parts, a blank one and a damaged one", got, parts)
	}
	cards := make(map[string]bool)
	for _, card := range on.Cards {
		cards[card.UID] = true
		names[card.Name] = true
	}
	for _, row := range rows(t, "patrons.csv") {
		if !cards[row["cards"]] {
			t.Errorf("%s has no card on the table", row["first_name"])
		}
	}
	for _, name := range []string{"helmi", "sinuhe", "blank", "damaged", "stranger"} {
		if !names[name] {
			t.Errorf("the table has no %s", name)
		}
	}
}

func rows(t *testing.T, name string) (all []map[string]string) {
	t.Helper()
	file, err := Demo.Open("demo/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		row := make(map[string]string)
		for i, column := range lines[0] {
			row[column] = line[i]
		}
		all = append(all, row)
	}
	return all
}
