package sip2_test

import (
	"context"
	"fmt"
	"time"

	"coldstation/sync/hub/sip2"
	"coldstation/sync/hub/sip2/sip2test"
)

// demo is a library system on the other end of a pipe.
func demo() *sip2test.System {
	koha, err := sip2test.Named("koha")
	if err != nil {
		panic(err)
	}
	s := sip2test.New(koha)
	s.Now = func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }
	s.AddPatron(sip2test.Patron{Card: "2123", Name: "Aino Virtanen"})
	s.AddItem(sip2test.Item{Barcode: "3123", Title: "Tuntematon sotilas"})
	return s
}

func ExampleConn_Checkout() {
	helsinki := time.FixedZone("EET", 2*60*60)
	c := sip2.New(
		sip2.Settings{Dial: demo().Dial, Zone: helsinki}, // or Address: "sip.library.example:6001", TLS: new(tls.Config)
		sip2.Account{Name: "station", Password: "secret", Institution: "main"},
	)
	defer c.Close()

	lent := time.Date(2026, 11, 23, 15, 4, 0, 0, helsinki)
	reply, err := c.Checkout(context.Background(), sip2.CheckoutRequest{
		NoBlock: true,
		At:      sip2.DateIn(lent, helsinki),
		Due:     sip2.DateIn(lent.AddDate(0, 0, 28), helsinki),
		Patron:  "2123",
		Item:    "3123",
	})
	due, _ := reply.Due.Time(helsinki)
	fmt.Println(sip2.OutcomeOf(err), reply.Title, due.Format(time.DateOnly))
	// Output: done Tuntematon sotilas 2026-12-15
}

// A lost reply leaves a checkout unknown. It is not sent again, since that would
// renew the loan; a question tells what became of it.
func ExampleOutcomeOf() {
	system := demo()
	system.Fail(sip2test.Fault{Kind: sip2test.HangUpAfter, On: sip2.CodeCheckout})
	c := sip2.New(sip2.Settings{Dial: system.Dial}, sip2.Account{Name: "station", Password: "secret", Institution: "main"})
	defer c.Close()

	now := sip2.DateIn(time.Now(), time.Local)
	_, err := c.Checkout(context.Background(), sip2.CheckoutRequest{At: now, Patron: "2123", Item: "3123"})
	switch sip2.OutcomeOf(err) {
	case sip2.Done:
		fmt.Println("lent")
	case sip2.NotSent, sip2.Unread:
		fmt.Println("to be sent later")
	case sip2.Refused:
		fmt.Println("for a librarian")
	case sip2.Unknown:
		fmt.Println(err)
		patron, err := c.Patron(context.Background(), sip2.PatronRequest{Patron: "2123", Summary: sip2.ChargedItems})
		fmt.Println(patron.Charged, err)
	}
	// Output:
	// checkout: outcome unknown: sip2: library system hung up: EOF
	// [3123] <nil>
}

func ExampleParse() {
	m, err := sip2.Parse([]byte("101YNN20261124    120000AOmain|AB3123|AQmain|AJSota &#124; rauha|"), sip2.UTF8)
	var reply sip2.CheckinReply
	if err == nil {
		err = reply.Parse(&m)
	}
	fmt.Println(reply.OK, reply.Item, reply.Title, err)
	// Output: true 3123 Sota | rauha <nil>
}

func ExampleCheckinRequest_Append() {
	at := sip2.Date("20261124    120000")
	line, err := sip2.CheckinRequest{At: at, Returned: at, Current: "north", Institution: "main", Item: "3123"}.Append(nil, sip2.Format{Guard: sip2.Guard{Check: true, Seq: '0'}})
	fmt.Printf("%s %v\n", line, err)
	// Output: 09N20261124    12000020261124    120000APnorth|AOmain|AB3123|AC|BIN|AY0AZED74 <nil>
}

// What would reach the library system as another identifier is not sent.
func ExampleFieldError() {
	c := sip2.New(sip2.Settings{Dial: demo().Dial}, sip2.Account{Name: "station", Password: "secret"})
	defer c.Close()
	_, err := c.Item(context.Background(), sip2.ItemRequest{Item: "31|23"})
	fmt.Println(err)
	// Output: item: never sent: message 17: AB: the library system would read | as &#124;
}
