package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"coldstation/cmd/internal/stage"
)

// play is one visit: two books are borrowed, the network goes, one comes back,
// the network returns. After each step a picture is kept.
func play(ctx context.Context, library *stage.Library, kiosk *stage.Kiosk, screen *stage.Screen) error {
	picture := func(name string) error {
		path := filepath.Join(library.Dir, name+".png")
		if err := screen.Save(ctx, path); err != nil {
			return err
		}
		fmt.Println("  picture:", path)
		return nil
	}
	onLoan := func(want int) error {
		return stage.Until(ctx, fmt.Sprintf("%d loans at the hub", want), func() error {
			loans, err := library.Loans()
			if err == nil && len(loans) != want {
				err = fmt.Errorf("it knows %d", len(loans))
			}
			return errors.Join(kiosk.Alive(), err)
		})
	}
	said := func(words ...string) error {
		return stage.Until(ctx, "the station", func() error { return kiosk.Logged(words...) })
	}
	steps := []struct {
		what string
		do   func() error
	}{
		{"The station waits.", func() error { return picture("1-welcome") }},
		{"Helmi lays her card on the pad.", func() error {
			return errors.Join(kiosk.Pad.Put("helmi"), said("screen=visiting"), picture("2-card"))
		}},
		{"She adds two books.", func() error {
			return errors.Join(kiosk.Pad.Put("sinuhe", "palmu"), onLoan(2), picture("3-borrowed"))
		}},
		{"She takes everything and goes.", func() error {
			return errors.Join(kiosk.Pad.Lift("helmi", "sinuhe", "palmu"), said("msg=\"visit over\""), picture("4-gone"))
		}},
		{"The network goes.", func() error { kiosk.Cable.Cut(); return nil }},
		{"Somebody brings one book back, without a card.", func() error {
			return errors.Join(kiosk.Pad.Put("palmu"), said("kind=CheckedIn"), picture("5-returned-offline"))
		}},
		{"The hub does not know it yet.", func() error { return errors.Join(kiosk.Pad.Lift("palmu"), onLoan(2)) }},
		{"The network comes back.", func() error { return errors.Join(kiosk.Cable.Heal(), onLoan(1)) }},
	}
	for _, step := range steps {
		fmt.Println(step.what)
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return report(library, kiosk.ID)
}

// report says what the hub knows.
func report(library *stage.Library, id string) error {
	station, err := library.Station(id)
	if err != nil {
		return err
	}
	loans, err := library.Loans()
	if err != nil {
		return err
	}
	fmt.Printf("\nThe hub has %d events of %s, %d are on their way, and knows of %d loan:\n", station.LastSeq, id, station.Queue, len(loans))
	for _, loan := range loans {
		fmt.Printf("  %s, %s, due %s\n", loan.Item, loan.Title, loan.Due)
	}
	return nil
}
