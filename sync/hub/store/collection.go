package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"coldstation/sync/circ"
)

func (s *base) Import(ctx context.Context, c Collection) (n Imported, err error) {
	err = s.change(ctx, "import", func(tx *sql.Tx) error {
		policies, err := put(ctx, tx, policyPart, c.Policies)
		if err != nil {
			return err
		}
		belonging, err := rehomed(ctx, tx, c.Items)
		if err != nil {
			return err
		}
		items, err := put(ctx, tx, itemPart, belonging)
		if err != nil {
			return err
		}
		patrons, err := put(ctx, tx, patronPart, c.Patrons)
		if err != nil {
			return err
		}
		standing, err := uncancelled(ctx, tx, c.Proxies)
		if err != nil {
			return err
		}
		proxies, err := put(ctx, tx, proxyPart, standing)
		if err != nil {
			return err
		}
		n = Imported{len(items), len(patrons), len(policies), len(proxies)}
		if n == (Imported{}) {
			return nil
		}
		turn, err := nextTurn(ctx, tx)
		if err == nil {
			err = noteChanged(ctx, tx, [needProxy + 1][]string{needPolicy: policies, needItem: items, needPatron: patrons, needProxy: proxies})
		}
		if err != nil {
			return err
		}
		return retell(ctx, tx, turn)
	})
	return n, err
}

// part is one kind of what a library exports.
type part[T any] struct {
	selects string // all of them
	id      string // the column of the key in it
	scan    func(scan func(...any) error) (T, error)
	key     func(T) string
	same    func(before, now T) bool
	keep    func(before, now T) T // now, with what stays of before; nil for now
	write   func(context.Context, *sql.Tx, T) error
}

var (
	policyPart = part[circ.Policy]{selectPolicies, "id", scanPolicy, func(p circ.Policy) string { return p.ID },
		func(a, b circ.Policy) bool { return a == b }, nil, writePolicy}
	itemPart = part[circ.Item]{selectItems, "i.id", scanItem, func(i circ.Item) string { return string(i.ID) },
		func(a, b circ.Item) bool { return a == b }, keepCover, writeItem}
	patronPart = part[circ.Patron]{selectPatrons, "id", scanPatron, func(p circ.Patron) string { return p.ID.Plaintext() },
		samePatron, nil, writePatron}
	proxyPart = part[circ.Proxy]{selectProxies, "id", scanProxy, func(p circ.Proxy) string { return p.ID },
		func(a, b circ.Proxy) bool { return a == b }, nil, writeProxy}
)

// all are all of them, in the order of their keys.
func (p part[T]) all(ctx context.Context, q queryer) ([]T, error) {
	return collect(ctx, q, p.scan, p.selects+` ORDER BY `+p.id)
}

// put writes those of want that are not in the store just so, and answers their keys.
func put[T any](ctx context.Context, tx *sql.Tx, p part[T], want []T) (changed []string, err error) {
	ctx = context.WithoutCancel(ctx) // as TakeIn does
	for some := range slices.Chunk(want, 200) {
		keys := make([]any, len(some))
		for i, v := range some {
			keys[i] = p.key(v)
		}
		have, err := collect(ctx, tx, p.scan, p.selects+` WHERE `+p.id+` IN (`+marksFor(keys)+`)`, keys...)
		if err != nil {
			return nil, err
		}
		old := make(map[string]T, len(have))
		for _, v := range have {
			old[p.key(v)] = v
		}
		for _, v := range some {
			key := p.key(v)
			before, found := old[key]
			if found && p.keep != nil {
				v = p.keep(before, v)
			}
			if found && p.same(before, v) {
				continue
			}
			if err := p.write(ctx, tx, v); err != nil {
				return nil, err
			}
			old[key] = v
			changed = append(changed, key)
		}
	}
	return changed, nil
}

func samePatron(a, b circ.Patron) bool {
	cards := slices.Equal(a.Cards, b.Cards)
	return cards && a.ID == b.ID && a.FirstName == b.FirstName && a.Policy == b.Policy &&
		a.Staff == b.Staff && a.Blocked == b.Blocked && a.Language == b.Language &&
		a.Picture == b.Picture && a.Recalls == b.Recalls && a.Secret == b.Secret && a.Home == b.Home
}

// uncancelled leaves out the authorisations that were cancelled.
func uncancelled(ctx context.Context, q queryer, all []circ.Proxy) ([]circ.Proxy, error) {
	over, err := collect(ctx, q, func(scan func(...any) error) (proxy string, err error) {
		err = scan(&proxy)
		return proxy, err
	}, `SELECT proxy FROM cancellations`)
	if len(over) == 0 || err != nil {
		return all, err
	}
	cancelled := make(map[string]bool, len(over))
	for _, proxy := range over {
		cancelled[proxy] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(p circ.Proxy) bool { return cancelled[p.ID] }), nil
}

func writeItem(ctx context.Context, tx *sql.Tx, i circ.Item) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO items (id, title, author, year, language, subject, marks, parts, home, search, cover) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET title = excluded.title, author = excluded.author, year = excluded.year, language = excluded.language,
		subject = excluded.subject, marks = excluded.marks, parts = excluded.parts, home = excluded.home, search = excluded.search, cover = excluded.cover`,
		i.ID, i.Title, i.Author, i.Year, i.Language, i.Subject, i.Marks, i.Parts, i.Home,
		strings.ToLower(i.Title+"\n"+i.Author+"\n"+string(i.ID)), coverColumn(i.Cover))
	return err
}

const itemColumns = `i.id, i.title, i.author, i.year, i.language, i.subject, i.marks, i.parts, i.home, i.cover`

func scanItem(scan func(...any) error) (i circ.Item, err error) {
	err = scan(&i.ID, &i.Title, &i.Author, &i.Year, &i.Language, &i.Subject, &i.Marks, &i.Parts, &i.Home, blobColumn{&i.Cover})
	return i, err
}

const selectItems = `SELECT ` + itemColumns + ` FROM items i`

func writePatron(ctx context.Context, tx *sql.Tx, p circ.Patron) error {
	cards, err := json.Marshal(p.Cards)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO patrons (id, first_name, policy, staff, blocked, language, cards, picture, recalls, secret, station) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET first_name = excluded.first_name, policy = excluded.policy, staff = excluded.staff,
		blocked = excluded.blocked, language = excluded.language, cards = excluded.cards, picture = excluded.picture,
		recalls = excluded.recalls, secret = excluded.secret, station = excluded.station`,
		p.ID.Plaintext(), p.FirstName, p.Policy, bit(p.Staff), bit(p.Blocked), p.Language, string(cards), p.Picture, bit(p.Recalls), p.Secret, p.Home)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM cards WHERE patron = ?`, p.ID.Plaintext()); err != nil {
		return err
	}
	for _, card := range p.Cards {
		if _, err := tx.ExecContext(ctx, `INSERT INTO cards (card, patron) VALUES (?, ?) ON CONFLICT (card, patron) DO NOTHING`, card, p.ID.Plaintext()); err != nil {
			return err
		}
	}
	return nil
}

const selectPatrons = `SELECT id, first_name, policy, staff, blocked, language, cards, picture, recalls, secret, station FROM patrons`

func scanPatron(scan func(...any) error) (p circ.Patron, err error) {
	var card, cards string
	if err := scan(&card, &p.FirstName, &p.Policy, &p.Staff, &p.Blocked, &p.Language, &cards, &p.Picture, &p.Recalls, &p.Secret, &p.Home); err != nil {
		return p, err
	}
	p.ID = circ.NewPatronID(card)
	return p, json.Unmarshal([]byte(cards), &p.Cards)
}

func writePolicy(ctx context.Context, tx *sql.Tx, p circ.Policy) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO policies (id, loan_days, max_items, renewals, fee_free, overdue_ok) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET loan_days = excluded.loan_days, max_items = excluded.max_items, renewals = excluded.renewals,
		fee_free = excluded.fee_free, overdue_ok = excluded.overdue_ok`,
		p.ID, p.LoanDays, p.Limit, p.Renewals, bit(p.FeeFree), bit(p.OverdueOK))
	return err
}

const selectPolicies = `SELECT id, loan_days, max_items, renewals, fee_free, overdue_ok FROM policies`

func scanPolicy(scan func(...any) error) (p circ.Policy, err error) {
	err = scan(&p.ID, &p.LoanDays, &p.Limit, &p.Renewals, &p.FeeFree, &p.OverdueOK)
	return p, err
}

func writeProxy(ctx context.Context, tx *sql.Tx, p circ.Proxy) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO proxies (id, principal, agent, scopes, once, begins, ends) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET principal = excluded.principal, agent = excluded.agent, scopes = excluded.scopes,
		once = excluded.once, begins = excluded.begins, ends = excluded.ends`,
		p.ID, p.Principal.Plaintext(), p.Agent.Plaintext(), p.Scopes, bit(p.Once), millis(p.From), millis(p.To))
	return err
}

const selectProxies = `SELECT id, principal, agent, scopes, once, begins, ends FROM proxies`

func scanProxy(scan func(...any) error) (p circ.Proxy, err error) {
	var principal, agent string
	var begins, ends int64
	err = scan(&p.ID, &principal, &agent, &p.Scopes, &p.Once, &begins, &ends)
	p.Principal, p.Agent = circ.NewPatronID(principal), circ.NewPatronID(agent)
	p.From, p.To = fromMillis(begins), fromMillis(ends)
	return p, err
}

func (s *base) Loans(ctx context.Context, station circ.StationID) ([]Loan, error) {
	return collect(ctx, s.read, func(scan func(...any) error) (l Loan, err error) {
		var at, due int64
		err = scan(&l.Item, &l.Title, &l.Station, &at, &due, &l.Renewed, &l.House)
		l.Since, l.Due = fromMillis(at), fromMillis(due)
		return l, err
	}, `SELECT l.item, COALESCE(i.title, ''), l.station, l.at, l.due, l.renewed, l.house FROM loans l LEFT JOIN items i ON i.id = l.item
		WHERE l.station = ? OR ? = '' ORDER BY l.at, l.item`, station, station)
}

func (s *base) Events(ctx context.Context, station circ.StationID, before Position, limit int) ([]Event, error) {
	at := int64(1<<63 - 1)
	if before != (Position{}) {
		at = millis(before.At)
	}
	events, err := collect(ctx, s.read, func(scan func(...any) error) (e Event, err error) {
		var ledger, patron string
		var at, off, received, wall int64
		err = scan(&ledger, &e.Seq, &e.Kind, &at, &off, &received, &wall, &e.Clock, &e.Item, &e.Title, &patron, &e.Note, &e.Undone)
		e.Err, e.Wall = ms(off), fromMillis(wall)
		e.Ledger, e.At, e.Received, e.Patron = fromID(ledger), fromMillis(at), fromMillis(received), patron != ""
		return e, err
	}, `SELECT e.ledger, e.seq, e.kind, e.at, e.err, e.received, e.wall, e.clock, e.item, COALESCE(i.title, ''), e.patron, e.note, e.undone
		FROM events e LEFT JOIN items i ON i.id = e.item
		WHERE e.station = ? AND (e.at < ? OR e.at = ? AND (e.ledger < ? OR e.ledger = ? AND e.seq < ?))
		ORDER BY e.at DESC, e.ledger DESC, e.seq DESC LIMIT ?`,
		station, at, at, id(before.Ledger), id(before.Ledger), before.Seq, limit)
	if err == nil && len(events) == 0 {
		err = exists(ctx, s.read, station)
	}
	if err != nil && !errors.Is(err, ErrNoStation) {
		return nil, err
	}
	return events, err
}
