package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coldstation/sync/circ"
	"coldstation/sync/hub/cover"
	"coldstation/sync/hub/store"
)

// pictured reports whether a path names a cover by its ending.
func pictured(path string) bool {
	return slices.Contains([]string{".jpg", ".jpeg", ".png"}, strings.ToLower(filepath.Ext(path)))
}

// sorted tells files of the collection from covers: a folder stands for the
// pictures in it.
func sorted(paths []string) (files, covers []string, err error) {
	for _, path := range paths {
		entries, err := os.ReadDir(path)
		switch {
		case err == nil:
			before := len(covers)
			for _, entry := range entries {
				if pictured(entry.Name()) {
					covers = append(covers, filepath.Join(path, entry.Name()))
				}
			}
			if len(covers) == before {
				return nil, nil, fmt.Errorf("%s: there is no picture in it; covers are called as the item's barcode and .jpg or .png", path)
			}
		case pictured(path):
			covers = append(covers, path)
		default:
			files = append(files, path)
		}
	}
	return files, covers, nil
}

// addCovers gives the items their covers, which are kept as they are made: without the
// import that names them nobody asks for them, and they are swept away. Items that
// the hub has already are added to the collection. Notes say of which pictures there
// is no item.
func addCovers(ctx context.Context, s store.Store, c *store.Collection, paths []string) (notes []string, err error) {
	at := make(map[circ.ItemID]int, len(c.Items))
	for i, item := range c.Items {
		at[item.ID] = i
	}
	var faults []error
	for _, path := range paths {
		name := filepath.Base(path)
		id := circ.ItemID(strings.TrimSuffix(name, filepath.Ext(name)))
		i, known := at[id]
		if !known {
			found, err := s.Stock(ctx, store.StockQuery{ID: id, Limit: 1})
			if err != nil {
				return nil, err
			}
			if len(found) == 0 {
				notes = append(notes, fmt.Sprintf("no item has the barcode %s; the picture was left out", id))
				continue
			}
			i, at[id] = len(c.Items), len(c.Items)
			c.Items = append(c.Items, found[0].Item)
		}
		blob, err := keepCover(ctx, s, path)
		if errors.Is(err, cover.ErrRefused) {
			faults = append(faults, fmt.Errorf("%s: %w", path, err))
			continue
		}
		if err != nil {
			return nil, err
		}
		c.Items[i].Cover = blob
	}
	return notes, errors.Join(faults...)
}

func keepCover(ctx context.Context, s store.Store, path string) (circ.BlobID, error) {
	file, err := os.Open(path)
	if err != nil {
		return circ.BlobID{}, err
	}
	defer file.Close()
	content, err := cover.Make(file)
	if err != nil {
		return circ.BlobID{}, err
	}
	return s.PutBlob(ctx, content, time.Now())
}
