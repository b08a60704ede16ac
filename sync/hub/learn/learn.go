// Package learn keeps the hub's collection, people and rules as Koha has them.
//
// # Passes
//
// A whole pass reads everything of the libraries that were named, a lesser one what
// changed since the pass before began. Both go through the same stages:
//
//	policies   whether the libraries are there (whole passes); the circulation rules of
//	           one library for each patron category
//	patrons    of each library
//	items      that belong to each library, then those that are there now
//	loans      that run; those of our people, wherever they were made
//	returns    loans that ended (lesser passes; a whole one finds them as gone)
//	holds      what somebody waits for elsewhere (now and then)
//	gone       what was learned before and was not met (whole passes only)
//
// Koha has no list of what was deleted, so only a whole pass can tell: patrons who
// were removed, merged into another or moved to a library that was not named, items
// that were withdrawn from the catalogue. When more is missing than [Settings.MostGone]
// allows, a permission is likelier missing than so many people, and nothing is
// removed; the same when a row could not be read.
//
// # Interruption
//
// How far a pass came is kept after each batch, once the batch is: whoever starts
// again goes on there. A batch that was taken in twice changes nothing.
//
// # What is Koha's and what is the library's own
//
// Koha decides about name, policy, language, whether somebody is staff or blocked,
// loan days, limit and renewals. Pictures, further cards, the wish to be told what one
// has had and secret numbers are noted here only and stay; of a policy, free of fees
// and overdue allowed. Who has another card number keeps all but the secret number,
// which is bound to the card, and authorisations follow.
//
// A patron's category is their policy. Blocked is as package koha says: restricted,
// card lost, no address, expired.
//
// # Loans
//
// A loan that no station made is told to the station where its patron belongs and to
// that where its item does. Titles that such a loan is of are learned with it. A loan
// that a station made ends when Koha says that it came back, the item is not on loan
// there now, and nothing about the item is on its way to Koha.
//
// # Holds
//
// An item of a station for which somebody waits is recalled, on a list by the library
// where they wait: the station asks for it to be put into the box when it comes back, and
// its staff and the librarian see it. It is so for every item of a title that is waited
// for, since the library system takes whichever comes back first. Koha does not say what
// is on its way but for the holds: such an item is told to the station it goes to.
// A recall that a person made is left alone.
package learn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/koha"
	"coldstation/sync/hub/store"
	"coldstation/sync/wire"
)

// Store is what of a hub's store is needed.
type Store interface {
	store.Learns
	store.Recalls
	Import(ctx context.Context, c store.Collection) (store.Imported, error)
	Tell(ctx context.Context, id circ.StationID, bodies ...circ.NoticeBody) error
	Streams(ctx context.Context) (map[circ.StationID]store.Stream, error)
	Fact(ctx context.Context, name string) (string, error)
	SetFact(ctx context.Context, name, value string) error
}

// Settings are what a Learner needs. Those below Stations have defaults.
type Settings struct {
	Name      string // of the library system
	API       *koha.API
	Store     Store
	Libraries []string                  // whose people and items are learned
	Stations  map[string]circ.StationID // by library

	Rules    string        // the library whose circulation rules become policies; "": none do
	Poll     time.Duration // between passes; 1 min
	Whole    time.Duration // between whole passes; 24 h
	Holds    time.Duration // between looks at who waits for what; 0: none are learned
	MostGone int           // percent of people or items that a whole pass may remove; 20
	Batch    int           // rows kept at a time; 100
}

// Learner learns from one Koha.
type Learner struct{ set Settings }

// New checks the settings.
func New(set Settings) (*Learner, error) {
	if len(set.Libraries) == 0 {
		return nil, errors.New("learn: name the libraries whose people and items are to be learned")
	}
	or(&set.Poll, time.Minute)
	or(&set.Whole, 24*time.Hour)
	or(&set.MostGone, 20)
	or(&set.Batch, 100)
	return &Learner{set}, nil
}

func or[T comparable](value *T, otherwise T) {
	if *value == *new(T) {
		*value = otherwise
	}
}

// Told says what a pass did.
type Told struct {
	Whole                                           bool
	Patrons, Items, Policies, Loans, Holds, Removed int // new or changed
	Odd                                             int // rows that made no sense
	Kept                                            int // that were missing, and too many to be removed
}

// Run learns until ctx ends. A pass that fails is gone on with after the next pause.
// A nil Learner learns nothing.
func (l *Learner) Run(ctx context.Context) error {
	if l == nil {
		<-ctx.Done()
		return nil
	}
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-pause.C:
		}
		told, err := l.Pass(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			slog.Warn("learning from the library system", "err", err)
		case told.Kept > 0:
			slog.Warn("so much is missing in the library system that nothing was removed", "missing", told.Kept)
		case told.Whole:
			slog.Info("learned", "patrons", told.Patrons, "items", told.Items, "policies", told.Policies, "loans", told.Loans, "holds", told.Holds, "removed", told.Removed, "odd", told.Odd)
		}
		pause.Reset(l.set.Poll)
	}
}

// stage is a part of a pass.
type stage string

const (
	stagePolicies stage = "policies"
	stagePatrons  stage = "patrons"
	stageItems    stage = "items"
	stageLoans    stage = "loans"
	stageReturns  stage = "returns"
	stageHolds    stage = "holds"
	stageGone     stage = "gone"
)

var stages = []stage{stagePolicies, stagePatrons, stageItems, stageLoans, stageReturns, stageHolds, stageGone}

// cursor is how far a pass has come. It is kept as a fact.
type cursor struct {
	Stage stage // "": none is under way
	Part  int   // of the stage: a library
	After int64 // the last number of the part
	Whole bool
	Began time.Time
	Odd   bool // a row of this pass could not be read

	Of    string    // the libraries and stations it is about
	Heard string    // the streams that were told of all loans
	Again bool      // there is another stream since: all loans are looked at
	Count int64     // of whole passes
	Since time.Time // what changed before is known
	Last  time.Time // when the last whole pass began
	Held  time.Time // when holds were looked at
}

func (l *Learner) fact() string { return "learn " + l.set.Name }

func (l *Learner) load(ctx context.Context) (c cursor, err error) {
	text, err := l.set.Store.Fact(ctx, l.fact())
	if err != nil || text == "" {
		return c, err
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return cursor{}, fmt.Errorf("learn: the mark that was kept: %w", err)
	}
	return c, nil
}

func (l *Learner) save(ctx context.Context, c cursor) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return l.set.Store.SetFact(ctx, l.fact(), string(text))
}

// Pass goes on with the pass that was interrupted, or makes the next one.
func (l *Learner) Pass(ctx context.Context) (told Told, err error) {
	c, err := l.load(ctx)
	if err != nil {
		return told, err
	}
	if c.Stage == "" {
		c.Stage, c.Part, c.After, c.Odd, c.Began = stages[0], 0, 0, false, time.Now()
		of := fmt.Sprint(l.set.Libraries, l.set.Stations, l.set.Rules) // a map prints in order
		if c.Whole = c.Since.IsZero() || c.Of != of || c.Began.Sub(c.Last) >= l.set.Whole; c.Whole {
			c.Count++
		}
		c.Of = of
		if err := l.save(ctx, c); err != nil {
			return told, err
		}
	}
	told.Whole = c.Whole
	for i, stage := range stages {
		if stage != c.Stage {
			continue
		}
		p := pass{Learner: l, cursor: c, told: &told}
		if err := p.run(ctx); err != nil {
			return told, fmt.Errorf("%s: %w", stage, err)
		}
		c = p.cursor
		c.Part, c.After = 0, 0
		if c.Stage = ""; i+1 < len(stages) {
			c.Stage = stages[i+1]
		} else {
			if c.Since = c.Began; c.Whole {
				c.Last = c.Began
			}
		}
		if err := l.save(ctx, c); err != nil {
			return told, err
		}
	}
	return told, nil
}

// pass is one stage of a pass being carried out.
type pass struct {
	*Learner
	cursor
	told *Told
}

func (p *pass) run(ctx context.Context) error {
	switch p.Stage {
	case stagePolicies:
		return p.policies(ctx)
	case stagePatrons:
		return p.patrons(ctx)
	case stageItems:
		return p.items(ctx)
	case stageLoans:
		return p.loans(ctx)
	case stageReturns:
		return p.returns(ctx)
	case stageHolds:
		return p.holds(ctx)
	}
	return p.gone(ctx)
}

// since is what to ask for: everything, in a whole pass.
func (p *pass) since() time.Time {
	if p.Whole {
		return time.Time{}
	}
	return p.Since
}

// parts runs do for each part that is not done, and keeps how far it came.
func (p *pass) parts(ctx context.Context, n int, do func(part int) error) error {
	for p.Part < n {
		if err := do(p.Part); err != nil {
			return err
		}
		p.Part, p.After = p.Part+1, 0
		if err := p.save(ctx, p.cursor); err != nil {
			return err
		}
	}
	return nil
}

// libraries finds out whether those that are named are there: of one that is not,
// Koha would say that it has no people.
func (p *pass) libraries(ctx context.Context) error {
	known := make(map[string]bool)
	for library, err := range p.set.API.Libraries(ctx) {
		if err != nil && !errors.Is(err, koha.ErrRecord) {
			return err
		}
		known[library.ID] = true
	}
	for _, library := range append(slices.Clone(p.set.Libraries), p.set.Rules) {
		if library != "" && !known[library] {
			return fmt.Errorf("the library system has no library %q; it has %s", library, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	return nil
}

func (p *pass) policies(ctx context.Context) error {
	if p.Whole {
		if err := p.libraries(ctx); err != nil {
			return err
		}
	}
	if p.set.Rules == "" {
		return nil
	}
	have, err := p.set.Store.Collection(ctx)
	if err != nil {
		return err
	}
	own := make(map[string]circ.Policy)
	for _, policy := range have.Policies {
		own[policy.ID] = policy
	}
	var c store.Collection
	categories, err := p.categories(ctx)
	if err != nil {
		return err
	}
	for _, category := range categories {
		rules, err := p.set.API.Rules(ctx, p.set.Rules, category.ID, "")
		if errors.Is(err, koha.ErrNotFound) || errors.Is(err, koha.ErrForbidden) {
			slog.Warn("the library system does not tell its circulation rules; bring in policies as a file", "err", err)
			return nil
		}
		if err != nil {
			return err
		}
		policy, lends := rules.Policy(category.ID)
		if !lends || policy.ID == "" {
			continue
		}
		policy.FeeFree, policy.OverdueOK = own[policy.ID].FeeFree, own[policy.ID].OverdueOK
		c.Policies = append(c.Policies, policy)
	}
	did, err := p.set.Store.Import(ctx, c)
	p.told.Policies += did.Policies
	return err
}

// categories are those of Koha's people that can be read.
func (p *pass) categories(ctx context.Context) ([]koha.Category, error) {
	var all []koha.Category
	for category, err := range p.set.API.Categories(ctx) {
		if errors.Is(err, koha.ErrRecord) {
			p.told.Odd++
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, category)
	}
	return all, nil
}

// fits reports whether a station can take what is learned.
func fits(body circ.NoticeBody) bool {
	_, err := wire.AppendNotice(nil, circ.Notice{Seq: 1, Body: body})
	return err == nil
}
