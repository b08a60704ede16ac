package circ

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	many := func(n int) []ItemID { return slices.Repeat([]ItemID{"1"}, n) }
	who := func(n int) PatronID { return NewPatronID(x(n)) }
	far := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, try := range map[string]struct{ fits, not any }{
		"item":        {ItemPut{Item{ID: ItemID(x(MaxItemID)), Title: x(MaxText)}}, ItemPut{Item{ID: ItemID(x(MaxItemID + 1))}}},
		"no item":     {ItemGone{"1"}, ItemGone{}},
		"title":       {ItemPut{Item{ID: "1"}}, ItemPut{Item{ID: "1", Title: x(MaxText + 1)}}},
		"no UTF-8":    {ItemPut{Item{ID: "1", Title: "ä"}}, ItemPut{Item{ID: "1", Title: "\xe4"}}},
		"patron":      {PatronPut{Patron{ID: who(MaxPatronID)}}, PatronPut{Patron{ID: who(MaxPatronID + 1)}}},
		"nobody":      {PatronGone{who(1)}, PatronGone{}},
		"card":        {PatronPut{Patron{ID: who(1), Cards: []string{x(MaxPatronID)}}}, PatronPut{Patron{ID: who(1), Cards: []string{x(MaxPatronID + 1)}}}},
		"policy":      {PolicyPut{Policy{ID: x(MaxKey)}}, PolicyPut{Policy{ID: x(MaxKey + 1)}}},
		"proxy":       {ProxyPut{Proxy{ID: x(MaxKey), Principal: who(1), Agent: who(2)}}, ProxyPut{Proxy{ID: x(MaxKey + 1), Principal: who(1), Agent: who(2)}}},
		"no agent":    {ProxyCancelled{"1"}, ProxyPut{Proxy{ID: "1", Principal: who(1)}}},
		"proxy until": {ProxyPut{Proxy{ID: "1", Principal: who(1), Agent: who(2)}}, ProxyPut{Proxy{ID: "1", Principal: who(1), Agent: who(2), To: far}}},
		"loan":        {LoanPut{Item: "1", Patron: who(1)}, LoanPut{Item: "1"}},
		"due":         {LoanConfirmed{Due: far.AddDate(0, 0, -1)}, LoanConfirmed{Due: far}},
		"list":        {RecallPut{ID: "r", Items: many(MaxList)}, RecallPut{ID: "r", Items: many(MaxList + 1)}},
		"list title":  {ConsignmentPut{ID: "c", Title: x(MaxText)}, ConsignmentPut{ID: "c", Title: x(MaxText + 1)}},
		"in a list":   {PicksPut{"p", []ItemID{"1"}}, PicksPut{"p", []ItemID{"1", ""}}},
		"words":       {MessagePut{"m", map[string]string{"fi": x(MaxWords)}}, MessagePut{"m", map[string]string{"fi": x(MaxWords + 1)}}},
		"setting":     {SettingsPut{Values: map[string]string{x(MaxKey): ""}}, SettingsPut{Values: map[string]string{x(MaxKey + 1): ""}}},
		"checkout":    {CheckedOut{Item: "1"}, CheckedOut{}},
		"shelf":       {ShelfCounted{Seen: many(MaxList)}, ShelfCounted{Seen: many(MaxList + 1)}},
		"tag":         {TagSecured{UID: x(MaxKey)}, TagFailed{Item: "1", UID: x(MaxKey + 1)}},
		"fault":       {FaultRaised{Fault: "disk", Detail: x(MaxWords)}, FaultRaised{Detail: "1"}},
		"met":         {PatronMet{}, PatronMet{ID: who(MaxPatronID + 1)}}, // read without the key it has no identifier
	} {
		judge := func(body any, want error) {
			var got error
			switch b := body.(type) {
			case EventBody:
				got = CheckEvent(b)
			case NoticeBody:
				got = CheckNotice(b)
			}
			if !errors.Is(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
			if got != nil && strings.Contains(got.Error(), x(9)) {
				t.Errorf("%s: the error names what it is about: %v", name, got)
			}
		}
		judge(try.fits, nil)
		judge(try.not, ErrLimit)
	}
}
