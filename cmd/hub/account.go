package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"coldstation/cmd/internal/conf"
	"coldstation/sync/circ"
	"coldstation/sync/hub/store"
	"coldstation/sync/hub/web"
)

const accountUsage = `usage: hub account add [--role ROLE] [--station STATION] NAME   make an account and print a link for its password
       hub account list                                        who has one, and which roles
       hub account role [--station STATION] NAME ROLE          give a role; none takes it away
       hub account reset NAME                                  end all that opens it and print a new link
       hub account remove NAME                                 remove it`

// accounts sees to who may use the pages.
func accounts(ctx context.Context, args []string) error {
	if len(args) > 0 {
		if run := accountCommands[args[0]]; run != nil {
			return run(ctx, args[0], args[1:])
		}
	}
	return errors.New(accountUsage)
}

var accountCommands = map[string]func(context.Context, string, []string) error{
	"add": addAccount, "list": listAccounts, "role": setRole, "reset": resetAccount, "remove": removeAccount,
}

// clerk is who sees to accounts from the command line.
type clerk struct {
	store.Store
	out io.Writer
	url string
	now time.Time
}

// open opens the store for a command with settings and operands.
func (c *clerk) open(set *flag.FlagSet, args []string, operands int) error {
	data := dataFlag(set)
	set.StringVar(&c.url, "web-url", "http://127.0.0.1:8080", "the pages' own `address`, for the link")
	if err := conf.Parse(set, args); err != nil {
		return err
	}
	if set.NArg() != operands {
		return errors.New(accountUsage)
	}
	c.out, c.now = os.Stdout, time.Now()
	var err error
	c.Store, _, err = open(*data)
	return err
}

// note adds to the trail what was done here.
func (c *clerk) note(ctx context.Context, what, about string) error {
	return c.Note(ctx, store.Deed{At: c.now, Who: "at the hub", What: what, About: about})
}

// offer prints a link by which somebody chooses a password.
func (c *clerk) offer(ctx context.Context, name string) error {
	path, link := web.NewLink(name, c.now)
	if err := c.OfferLink(ctx, link); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.out, "With this link %s chooses a password. It works once, until %s:\n\n    %s%s\n\n",
		name, link.Expires.Format("Monday 2 January 15:04"), strings.TrimSuffix(c.url, "/"), path)
	return err
}

func named(text string) (string, error) {
	name, is := web.AccountName(text)
	if !is {
		return "", fmt.Errorf("%q: a name is of small letters, digits and . _ - @ +, at most 64", text)
	}
	return name, nil
}

// grant is a role at a station that is known, or in the whole library.
func (c *clerk) grant(ctx context.Context, role, station string) (store.Grant, error) {
	g := store.Grant{Role: store.Role(role), Station: circ.StationID(station)}
	if !slices.Contains(store.Roles, g.Role) {
		return g, fmt.Errorf("%q: a role is one of %v", role, store.Roles)
	}
	if g.Station == "" {
		return g, nil
	}
	_, err := c.Station(ctx, g.Station)
	return g, err
}

func addAccount(ctx context.Context, name string, args []string) (err error) {
	set := flag.NewFlagSet("hub account "+name, flag.ContinueOnError)
	var (
		role    = set.String("role", string(store.Viewer), "viewer, librarian or administrator")
		station = set.String("station", "", "the one `station` that the role is for (default: the whole library)")
		title   = set.String("title", "", "what people call them, as `text`")
		c       clerk
	)
	if err := c.open(set, args, 1); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	account, err := named(set.Arg(0))
	if err != nil {
		return err
	}
	g, err := c.grant(ctx, *role, *station)
	if err != nil {
		return err
	}
	switch any, err := c.AnyAccount(ctx); {
	case err != nil:
		return err
	case !any && g != (store.Grant{Role: store.Administrator}):
		return errors.New("the first account must be an administrator of the whole library, or nobody could add others: --role administrator")
	}
	if err := c.AddAccount(ctx, store.Account{Name: account, Title: *title, Grants: []store.Grant{g}, Made: c.now}); err != nil {
		return err
	}
	return errors.Join(c.note(ctx, "account-add", account), c.offer(ctx, account))
}

func listAccounts(ctx context.Context, name string, args []string) (err error) {
	var c clerk
	if err := c.open(flag.NewFlagSet("hub account "+name, flag.ContinueOnError), args, 0); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	all, err := c.Accounts(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, a := range all {
		var roles []string
		for _, g := range a.Grants {
			role := string(g.Role)
			if g.Station != "" {
				role += "@" + string(g.Station)
			}
			roles = append(roles, role)
		}
		state := ""
		switch {
		case a.Subject != "":
			state = "signs in elsewhere"
		case a.Password == "":
			state = "no password yet"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", a.Name, strings.Join(roles, ","), a.Title, state)
	}
	return table.Flush()
}

func setRole(ctx context.Context, name string, args []string) (err error) {
	set := flag.NewFlagSet("hub account "+name, flag.ContinueOnError)
	station := set.String("station", "", "the one `station` that the role is for (default: the whole library)")
	var c clerk
	if err := c.open(set, args, 2); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	a, err := c.Account(ctx, set.Arg(0))
	if err != nil {
		return err
	}
	grants := slices.DeleteFunc(a.Grants, func(g store.Grant) bool { return g.Station == circ.StationID(*station) })
	if role := set.Arg(1); role != "none" {
		g, err := c.grant(ctx, role, *station)
		if err != nil {
			return err
		}
		grants = append(grants, g)
	}
	if err := c.SetGrants(ctx, a.Name, grants); err != nil {
		return err
	}
	return c.note(ctx, "account-role", a.Name)
}

func resetAccount(ctx context.Context, name string, args []string) (err error) {
	set := flag.NewFlagSet("hub account "+name, flag.ContinueOnError)
	var c clerk
	if err := c.open(set, args, 1); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	a, err := c.Account(ctx, set.Arg(0))
	if err != nil {
		return err
	}
	if a.Subject != "" {
		return fmt.Errorf("%s signs in elsewhere: a password is reset there", a.Name)
	}
	return errors.Join(c.note(ctx, "account-reset", a.Name), c.offer(ctx, a.Name))
}

func removeAccount(ctx context.Context, name string, args []string) (err error) {
	set := flag.NewFlagSet("hub account "+name, flag.ContinueOnError)
	var c clerk
	if err := c.open(set, args, 1); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.RemoveAccount(ctx, set.Arg(0)); err != nil {
		return err
	}
	return c.note(ctx, "account-remove", set.Arg(0))
}
