// Package scene plays visits through package flow, up to every screen that a
// resident can meet, so that designers and tests see what the station really
// shows and not what somebody thought it would.
package scene

import (
	"fmt"
	"slices"
	"time"

	"coldstation/kiosk/flow"
	"coldstation/sync/circ"
)

// Scene is one screen by its name.
type Scene struct {
	Name string
	View flow.View
}

var (
	palm     = circ.Item{ID: "1004", Title: "Komisario Palmun erehdys", Author: "Mika Waltari", Subject: "crime", Marks: circ.LargePrint, Home: "maple-house"}
	rabbit   = circ.Item{ID: "1015", Title: "Jäniksen vuosi", Author: "Arto Paasilinna", Subject: "humour", Home: "maple-house"}
	winter   = circ.Item{ID: "1036", Title: "Trollvinter", Author: "Tove Jansson", Subject: "children", Marks: circ.Audio, Parts: 1, Home: "maple-house"}
	brothers = circ.Item{ID: "1006", Title: "Seitsemän veljestä", Author: "Aleksis Kivi", Subject: "humour", Marks: circ.LargePrint, Home: "maple-house"}
	sea      = circ.Item{ID: "1037", Title: "Pappan och havet", Author: "Tove Jansson", Subject: "sea", Home: "maple-house"}
	children = circ.Item{ID: "1060", Title: "All Creatures Great and Small", Author: "James Herriot", Subject: "nature", Home: "maple-house"}
	suicide  = circ.Item{ID: "1017", Title: "Hurmaava joukkoitsemurha", Author: "Arto Paasilinna", Subject: "humour", Home: "maple-house"}
	ships    = circ.Item{ID: "1026", Title: "Alastalon salissa", Author: "Volter Kilpi", Subject: "sea", Home: "maple-house"}
	jane     = circ.Item{ID: "1057", Title: "Jane Eyre", Author: "Charlotte Brontë", Subject: "love", Home: "maple-house"}
	hound    = circ.Item{ID: "1055", Title: "The Hound of the Baskervilles", Author: "Arthur Conan Doyle", Subject: "crime", Marks: circ.LargePrint, Home: "maple-house"}
	kalevala = circ.Item{ID: "1011", Title: "Kalevala", Author: "Elias Lönnrot", Subject: "folklore", Home: "maple-house"}
	memoir   = circ.Item{ID: "2001", Title: "Memoirs of a country doctor, with remarks on bees, weather and the people of the northern parishes", Author: "An Author With Quite A Long Name", Subject: "history", Home: "birch-house"}

	helmi = card("helmi", circ.Patron{FirstName: "Helmi"}, circ.Policy{LoanDays: 28, Renewals: 2})
	onni  = card("onni", circ.Patron{FirstName: "Onni"}, circ.Policy{LoanDays: 0, FeeFree: true, OverdueOK: true})
)

func card(name string, p circ.Patron, policy circ.Policy) flow.CardSeen {
	return flow.CardSeen{Token: flow.Token("card " + name), Ref: circ.Ref{byte(len(name)), name[0]}, Patron: p, Known: true, Policy: policy}
}

func here(i circ.Item) flow.ItemSeen {
	return flow.ItemSeen{Token: flow.Token("tag " + i.ID), Item: i, Known: true, Security: flow.Secured}
}

func lent(i circ.Item) flow.ItemSeen {
	seen := here(i)
	seen.OnLoan, seen.Security = true, flow.Unsecured
	seen.Loan = circ.Loan{Item: i.ID, Patron: circ.Ref{9}, Seq: 1, At: start.AddDate(0, 0, -9)}
	return seen
}

func lift(i circ.Item) flow.Lifted { return flow.Lifted{Token: flow.Token("tag " + i.ID)} }

// start is a Tuesday morning.
var start = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

// later lets time pass; timers fire.
type later time.Duration

// staffStack is a stack that the staff puts down and takes away again.
type staffStack []circ.Item

// books are as many as a box or a shelf holds: those of the demo's shelf, again and again.
func books(n int) (all []circ.Item) {
	some := []circ.Item{palm, rabbit, winter, brothers, sea, children, suicide, ships, jane, hound, kalevala, memoir}
	for i := range n {
		item := some[i%len(some)]
		item.ID, item.Home = circ.ItemID(fmt.Sprintf("5%03d", i)), "maple-house"
		all = append(all, item)
	}
	return all
}

// together is a stack: it comes onto the pad all at once.
type together []flow.ItemSeen

// number is the secret number of everybody who has one.
const number = "4711"

// residents are those who agreed to be recognised by a picture.
var residents = func() (tiles []flow.Tile) {
	for i, p := range []struct{ name, picture string }{
		{"Helmi", "flower"}, {"Onni", "boat"}, {"Marja-Liisa", "strawberry"}, {"Veikko", ""},
		{"Aino", "cat"}, {"Toivo", "bicycle"}, {"Kerttu", "bird"}, {"Eino", "fish"}, {"Sylvi", "butterfly"},
		{"Karl-Johan", "umbrella"}, {"Lempi", "heart"}, {"Urho", ""}, {"Rauha", "leaf"}, {"Gunnel", "moon"},
	} {
		tiles = append(tiles, flow.Tile{Ref: circ.Ref{0x70, byte(i)}, Name: p.name, Picture: p.picture})
	}
	return tiles
}()

// person is who touched a tile.
func person(t flow.Tile) flow.CardSeen {
	return flow.CardSeen{Token: flow.Token("tile " + t.Name), Scanned: true, Tile: true, Known: true,
		Ref: t.Ref, Patron: circ.Patron{FirstName: t.Name, Picture: t.Picture}, Policy: circ.Policy{LoanDays: 28}}
}

// The desk can be told what to do badly.
type (
	full struct{} // from now on nothing can be recorded
	far  struct{} // from now on no tag can be written
)

// desk carries out what flow asks for, as a station would.
type desk struct {
	state     flow.State
	at        flow.Moment
	timers    map[flow.Timer]time.Duration
	seq       uint64
	full, far bool
	loans     []flow.Owned  // of whoever asks
	tries     int           // of a secret number
	told      flow.DeskRead // to the staff
}

// send takes the time that a person needs from one thing to the next.
func (d *desk) send(m flow.Msg) { d.sendAfter(2*time.Second, m) }

func (d *desk) sendAfter(wait time.Duration, m flow.Msg) {
	d.at.Up += wait
	d.at.Wall = d.at.Wall.Add(wait)
	queue := []flow.Msg{m}
	for len(queue) > 0 {
		var effects []flow.Effect
		d.state, effects = flow.Step(d.state, d.at, queue[0])
		queue = queue[1:]
		for _, e := range effects {
			switch e := e.(type) {
			case flow.Record:
				queue = append(queue, flow.Recorded{Ticket: e.Ticket, Seq: d.seq + 1, Failed: d.full})
				if !d.full {
					d.seq += uint64(len(e.Bodies))
				}
			case flow.SetTag:
				if d.far {
					queue = append(queue, flow.TagFailed(e))
				} else {
					queue = append(queue, flow.TagWritten(e))
				}
			case flow.Recognise:
				for _, p := range residents {
					if p.Ref == e.Ref {
						queue = append(queue, person(p))
					}
				}
			case flow.Unlock:
				d.tries++
				queue = append(queue, flow.Unlocked{Ref: e.Ref, Right: e.Number == number, Shut: e.Number != number && d.tries >= 3})
			case flow.ReadDesk:
				told := d.told
				told.Page = e.Page
				queue = append(queue, told)
			case flow.NoteCounted:
				queue = append(queue, flow.CountNoted{Item: e.Item, Failed: d.full})
			case flow.ReadLoans:
				queue = append(queue, flow.LoansRead{Ref: e.Ref, Loans: d.loans})
			case flow.Recall:
				queue = append(queue, flow.Recalled{Item: e.Item.ID, Had: e.Item.ID == palm.ID})
			case flow.StartTimer:
				d.timers[e.Timer] = d.at.Up + e.After
			case flow.StopTimer:
				delete(d.timers, e.Timer)
			}
		}
	}
}

// pass lets time pass until a timer fires, and fires it.
func (d *desk) pass(long time.Duration) {
	until := d.at.Up + long
	for {
		next, due := flow.Timer(0), until+1
		for timer, at := range d.timers {
			if at < due {
				next, due = timer, at
			}
		}
		if due > until {
			d.at.Wall, d.at.Up = d.at.Wall.Add(until-d.at.Up), until
			return
		}
		d.at.Wall, d.at.Up = d.at.Wall.Add(due-d.at.Up), due
		delete(d.timers, next)
		d.send(flow.Fired{Timer: next})
	}
}

// All is every scene, for a station whose own language is the first, in its
// normal look.
func All(languages ...string) []Scene {
	press := func(a flow.Action, i ...circ.Item) flow.Pressed {
		p := flow.Pressed{Action: a}
		if len(i) > 0 {
			p.Item = i[0].ID
		}
		return p
	}
	rich := func(r *flow.Rules) {
		r.Printer, r.Speech, r.House, r.Scanner, r.Tiles, r.Secret = true, true, true, true, flow.OpenTiles, true
	}
	foreign := here(memoir)
	foreign.Foreign, foreign.Security = true, flow.NoSecurity
	unknown := flow.ItemSeen{Token: "tag 3001", Item: circ.Item{ID: "3001"}, Security: flow.Secured}
	blocked := helmi
	blocked.Patron.Blocked = true
	agent := helmi
	agent.Others = []flow.Other{
		{Ref: circ.Ref{0x71, 1}, Name: "Veikko", Picture: "boat", Known: true, Policy: helmi.Policy, Scopes: circ.MayBorrow | circ.MayRenew},
		{Ref: circ.Ref{0x71, 2}, Name: "Marja-Liisa", Known: true, Policy: helmi.Policy, Scopes: circ.MayBorrow},
	}
	carer := card("staff", circ.Patron{FirstName: "Ritva", Staff: true}, helmi.Policy)
	locked := helmi
	locked.Secret = true
	locking := func(r *flow.Rules) { r.Secret = true }
	digits := func(s string) (script []any) {
		for i := range len(s) {
			script = append(script, flow.Pressed{Action: flow.Digit, Digit: s[i]})
		}
		return script
	}
	wrong := append(digits("1234"), press(flow.Enter))
	few, many := flow.TilesSet{Tiles: residents[:4]}, flow.TilesSet{Tiles: residents}
	reader := helmi
	reader.Loans, reader.Recalls = 3, true
	owned := []flow.Owned{
		{Item: brothers, Loan: circ.Loan{Item: brothers.ID, Patron: helmi.Ref, Due: start.AddDate(0, 0, 3), State: circ.Confirmed, Renewed: 2}},
		{Item: hound, Loan: circ.Loan{Item: hound.ID, Patron: helmi.Ref, Due: start.AddDate(0, 0, 9), State: circ.Received}},
		{Item: sea, Loan: circ.Loan{Item: sea.ID, Patron: helmi.Ref, Due: start.AddDate(0, 0, 20), State: circ.NotedHere}},
	}
	stack := together{here(palm), here(rabbit), here(sea)}
	message := map[string]string{}
	for _, tag := range languages {
		message[tag] = map[string]string{
			"fi": "Kirjastoauto tulee torstaina kello 14.", "fi-simple": "Kirjastoauto tulee torstaina kello 14.",
			"sv": "Bokbussen kommer på torsdag klockan 14.",
		}[tag]
		if message[tag] == "" {
			message[tag] = "The library van comes on Thursday at two."
		}
	}

	var all []Scene
	scene := func(name string, want flow.Screen, change func(*flow.Rules), script ...any) {
		rules := flow.DefaultRules("maple-house", languages...)
		if change != nil {
			change(&rules)
		}
		d := desk{state: flow.New(rules, 40), timers: map[flow.Timer]time.Duration{}, seq: 100,
			at: flow.Moment{Up: time.Hour, Wall: start, Clock: circ.ClockNTP}}
		for _, m := range script {
			switch m := m.(type) {
			case later:
				d.pass(time.Duration(m))
			case together:
				wait := 10 * time.Second // whatever came before came for itself
				for _, seen := range m {
					d.sendAfter(wait, seen)
					wait = 100 * time.Millisecond
				}
			case []flow.Owned:
				d.loans = m
			case flow.DeskRead:
				d.told = m
			case staffStack:
				for _, item := range m {
					d.sendAfter(60*time.Millisecond, here(item))
				}
				d.state.Pad = d.state.Pad[:1] // they made room for the next
			case full:
				d.full = true
			case far:
				d.far = true
			case flow.Msg:
				d.send(m)
			}
		}
		view := d.state.View()
		if view.Screen != want {
			panic(fmt.Sprintf("scene %s ends on %v, want %v", name, view.Screen, want))
		}
		all = append(all, Scene{name, view})
	}
	scene("welcome", flow.Welcome, nil)
	scene("welcome-message", flow.Welcome, rich, flow.MessageSet{Words: message})
	scene("hello", flow.Visiting, nil, helmi)
	scene("hello-nameless", flow.Visiting, nil, flow.CardSeen{Token: "card 7", Ref: circ.Ref{7}})
	scene("borrowed", flow.Visiting, nil, helmi, here(palm))
	scene("borrowed-free", flow.Visiting, nil, onni, here(winter))
	scene("borrowed-three", flow.Visiting, nil, helmi, here(palm), here(rabbit), here(sea))
	scene("borrowed-many", flow.Visiting, rich, helmi, here(palm), here(rabbit), here(sea), here(winter), here(brothers),
		here(children), here(suicide), here(ships), here(jane), here(hound), here(kalevala))
	scene("borrowed-all-done", flow.Visiting, rich, helmi, here(hound), lift(hound), flow.Lifted{Token: helmi.Token})
	scene("show-card", flow.Visiting, nil, here(brothers))
	scene("show-card-stack", flow.Visiting, nil, here(brothers), here(ships), here(jane))
	scene("returned", flow.Visiting, nil, lent(rabbit))
	scene("returned-offered", flow.Visiting, nil, lent(rabbit), lent(kalevala), helmi)
	scene("boxed-foreign", flow.Visiting, nil, foreign)
	scene("boxed-unknown", flow.Visiting, nil, unknown)
	scene("put-back", flow.Visiting, nil, helmi, far{}, here(rabbit), lift(rabbit))
	scene("keep", flow.Visiting, nil, helmi, full{}, here(suicide))
	scene("ask-staff", flow.Visiting, func(r *flow.Rules) { r.BlockedCards = flow.AskTheStaff }, blocked, here(jane))
	scene("unread", flow.Visiting, nil, helmi, flow.StrangeSeen{Token: "tag ?"})
	scene("leftover", flow.Leftover, nil, helmi, here(palm), here(sea), flow.Lifted{Token: helmi.Token}, onni)
	scene("still-there", flow.StillThere, nil, helmi, here(palm), lift(palm), flow.Lifted{Token: helmi.Token}, flow.Touched{}, later(100*time.Second))
	scene("undo", flow.Undoing, nil, helmi, here(palm), here(winter), press(flow.Undo))
	scene("undo-many", flow.Undoing, nil, helmi, here(palm), here(rabbit), here(sea), here(winter), here(brothers), here(memoir), press(flow.Undo))
	scene("undone", flow.Visiting, nil, helmi, here(palm), here(winter), press(flow.Undo), press(flow.UndoThis, winter))
	scene("help", flow.Helping, rich, press(flow.Help))
	scene("resting", flow.Resting, nil, flow.PadLost{})

	var script func(parts ...any) []any
	script = func(parts ...any) (all []any) {
		for _, p := range parts {
			if more, is := p.([]any); is {
				all = append(all, script(more...)...)
			} else {
				all = append(all, p)
			}
		}
		return all
	}
	scene("welcome-no-card", flow.Welcome, rich, few)
	scene("show-card-rich", flow.Visiting, rich, few, here(brothers))
	scene("asking", flow.Asking, nil, agent)
	scene("asking-house", flow.Asking, rich, agent, here(palm))
	scene("hello-for", flow.Visiting, nil, agent, flow.Pressed{Action: flow.ForThem, Who: agent.Others[0].Ref})
	scene("borrowed-for", flow.Visiting, nil, agent, flow.Pressed{Action: flow.ForThem, Who: agent.Others[1].Ref}, here(palm))
	scene("housed", flow.Visiting, rich, here(ships), press(flow.ForHouse))
	scene("naming", flow.Naming, rich, few, press(flow.NoCard))
	scene("naming-many", flow.Naming, rich, many, press(flow.NoCard))
	scene("named", flow.Visiting, rich, few, press(flow.NoCard), flow.Pressed{Action: flow.IAm, Who: residents[0].Ref})
	scene("unlocking", flow.Unlocking, locking, locked)
	scene("unlocking-three", flow.Unlocking, locking, script(locked, digits("471"))...)
	scene("unlocking-wrong", flow.Unlocking, locking, script(locked, wrong)...)
	scene("unlocking-shut", flow.Unlocking, locking, script(locked, wrong, wrong, wrong)...)
	scene("unlocking-said", flow.Unlocking, rich, script(locked, digits("4711"))...)
	scene("reader", flow.Visiting, rich, reader)
	scene("had", flow.Visiting, nil, reader, here(palm))
	scene("listing", flow.Listing, nil, owned, reader, press(flow.MyLoans))
	scene("listing-said", flow.Listing, rich, owned, reader, press(flow.MyLoans), press(flow.Renew, sea))
	scene("listing-none", flow.Listing, nil, reader, press(flow.MyLoans))
	scene("stack", flow.Visiting, nil, helmi, stack)
	scene("stack-all", flow.Visiting, nil, helmi, stack, press(flow.AllSeen))
	scene("stack-mixed", flow.Visiting, nil, helmi, together{here(palm), foreign, here(sea)}, press(flow.AllSeen))
	scene("stack-returned", flow.Visiting, nil, together{lent(palm), lent(rabbit)}, press(flow.AllSeen))
	scene("counting", flow.Counting, nil, helmi, stack, press(flow.NotAll))
	scene("counting-said", flow.Counting, rich, helmi, stack, press(flow.NotAll))
	scene("looking", flow.Looking, nil, press(flow.Looks))
	scene("looking-voice", flow.Looking, rich, press(flow.Looks))
	scene("staffing", flow.Staffing, rich, few, carer)
	scene("staffing-census", flow.Staffing, rich, few, flow.RemoteSet{Remote: flow.Remote{Census: true}}, carer)
	paused := flow.RemoteSet{Remote: flow.Remote{Paused: true}}
	scene("welcome-paused", flow.Welcome, rich, paused)
	scene("paused", flow.Visiting, rich, paused, helmi, here(palm))
	scene("identifying", flow.Identifying, nil, flow.Identify{})
	nurse := func(does flow.Action, told flow.DeskRead, more ...any) []any {
		return script(few, told, carer, press(does), more)
	}
	box, more := books(40), books(42)[40:]
	parcel := flow.Consignment{ID: "K7Q2-0001", Title: "Large print for the winter", Items: box}
	other := flow.Consignment{ID: "K7Q2-0002", Title: "For the reading circle", Items: []circ.Item{jane, hound}}
	way := flow.DeskRead{Consignments: []flow.Consignment{parcel}}
	elsewhere := here(memoir)
	scene("receiving", flow.Receiving, rich, nurse(flow.Receive, way)...)
	scene("receiving-which", flow.Receiving, rich, nurse(flow.Receive, flow.DeskRead{Consignments: []flow.Consignment{parcel, other, {ID: "K7Q2-0003"}}})...)
	scene("receiving-unknown", flow.Receiving, rich, nurse(flow.Receive, flow.DeskRead{}, staffStack(box[:3]))...)
	scene("receiving-some", flow.Receiving, rich, nurse(flow.Receive, way, staffStack(box[:10]))...)
	scene("receiving-38", flow.Receiving, rich, nurse(flow.Receive, way, staffStack(box[:38]), staffStack(more[:1]))...)
	scene("receiving-all", flow.Receiving, rich, nurse(flow.Receive, way, staffStack(box))...)
	scene("receiving-mixed", flow.Receiving, rich, nurse(flow.Receive, flow.DeskRead{Consignments: []flow.Consignment{{ID: "K", Items: []circ.Item{palm, sea}}, other}}, here(palm), here(jane), elsewhere, lent(rabbit))...)
	scene("receiving-unsaved", flow.Receiving, rich, nurse(flow.Receive, way, full{}, here(box[0]))...)
	scene("received", flow.DeskDone, rich, nurse(flow.Receive, way, staffStack(box), press(flow.Accept))...)
	scene("received-not", flow.Receiving, rich, nurse(flow.Receive, way, staffStack(box), full{}, press(flow.Accept))...)
	recall := flow.DeskRead{Wanted: []flow.Wanted{{Item: memoir, List: "R"}, {Item: palm, List: "R"}, {Item: winter, List: "R", Lent: true}, {Item: brothers, List: "R"}}}
	scene("taking-out", flow.TakingOut, rich, nurse(flow.TakeOut, recall)...)
	scene("taking-out-some", flow.TakingOut, rich, nurse(flow.TakeOut, recall, here(palm), here(sea))...)
	scene("taking-out-all", flow.TakingOut, rich, nurse(flow.TakeOut, recall, here(palm), here(memoir), here(brothers))...)
	scene("taking-out-none", flow.TakingOut, rich, nurse(flow.TakeOut, flow.DeskRead{})...)
	stock := flow.DeskRead{Shelf: books(300)}
	counted := script(staffStack(stock.Shelf[:292]), lent(palm), lent(rabbit), lent(sea), lent(winter), lent(kalevala), elsewhere, foreign, unknown)
	whole := script(counted, press(flow.AllCounted), press(flow.WholeShelf))
	scene("shelving", flow.Shelving, rich, nurse(flow.CountShelf, stock)...)
	scene("shelving-some", flow.Shelving, rich, nurse(flow.CountShelf, stock, staffStack(stock.Shelf[:9]))...)
	scene("shelving-300", flow.Shelving, rich, nurse(flow.CountShelf, stock, counted)...)
	scene("shelf-whole", flow.ShelfWhole, rich, nurse(flow.CountShelf, stock, counted, press(flow.AllCounted))...)
	scene("shelf-result", flow.ShelfResult, rich, nurse(flow.CountShelf, stock, whole)...)
	scene("shelf-result-right", flow.ShelfResult, rich, nurse(flow.CountShelf, flow.DeskRead{}, staffStack(box), press(flow.AllCounted), press(flow.WholeShelf))...)
	scene("shelf-missing", flow.ShelfGroup, rich, nurse(flow.CountShelf, stock, whole, press(flow.ShowMissing))...)
	scene("shelf-lent", flow.ShelfGroup, rich, nurse(flow.CountShelf, stock, whole, press(flow.ShowLent), press(flow.TakeBack, sea))...)
	scene("shelf-astray", flow.ShelfGroup, rich, nurse(flow.CountShelf, stock, whole, press(flow.ShowAstray))...)
	scene("shelf-sent", flow.DeskDone, rich, nurse(flow.CountShelf, stock, whole, press(flow.SendCount))...)
	scene("boxes", flow.Boxes, rich, nurse(flow.SortBox, flow.DeskRead{Boxed: []circ.Item{memoir, {ID: "3001"}, palm}})...)
	scene("boxes-none", flow.Boxes, rich, nurse(flow.SortBox, flow.DeskRead{})...)
	health := func(ill ...flow.Part) flow.HealthRead {
		var m flow.HealthRead
		for _, part := range flow.Parts {
			c := flow.Condition{Part: part, Ill: slices.Contains(ill, part)}
			if c.Ill && part == flow.ContactPart {
				c.Day = start.AddDate(0, 0, -3)
			}
			if c.Ill && part == flow.QueuePart {
				c.N = 212
			}
			m.Parts = append(m.Parts, c)
		}
		return m
	}
	show := func(part flow.Part) flow.Pressed { return press(flow.PartAction(part, false)) }
	scene("healthy", flow.Healthy, rich, carer, press(flow.Wellbeing), health())
	scene("unhealthy", flow.Healthy, rich, carer, press(flow.Wellbeing), health(flow.Parts...))
	scene("part-tried", flow.Opened, rich, carer, press(flow.Wellbeing), health(), show(flow.PadPart), flow.PartTested{Part: flow.PadPart})
	for _, part := range flow.Parts {
		scene(part.Key()+"-ill", flow.Opened, rich, carer, press(flow.Wellbeing), health(part), show(part))
	}
	scene("called", flow.Called, rich, carer, press(flow.Wellbeing), health(), press(flow.Call))
	scene("wiping", flow.Wiping, rich, carer, press(flow.Wipe))
	scene("measuring", flow.Measuring, rich, few, carer, press(flow.Measure))
	return all
}
