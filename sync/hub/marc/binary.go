package marc

import (
	"bytes"
	"cmp"
	"errors"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	endOfRecord   = 0x1D
	endOfField    = 0x1E
	beginSubfield = 0x1F
	leaderLen     = 24
	entryLen      = 12
)

// between are the bytes that stand between records, where none should.
const between = "\ufeff\r\n\t \x00\x1a"

// begun finds a field's end that is followed by another record's leader.
var begun = regexp.MustCompile(`\x1e[\r\n\x00\x1a ]*([0-9]{5}[a-z0-9 ][a-z][a-z ][a-z# ]{2}22[0-9 ]{5}[^\x1e\x1f]{3}45[0-9 ]{2}[0-9]{3})`)

// Binary reports whether a file is ISO 2709.
func Binary(text []byte) bool {
	text = bytes.TrimLeft(text, between)
	return len(text) > leaderLen && bytes.IndexByte(text, endOfField) >= 0 && strings.Trim(string(text[:5]), "0123456789 ") == ""
}

func readBinary(text []byte) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		met := false
		for {
			text = bytes.TrimLeft(text, between)
			if len(text) == 0 {
				break
			}
			met = true
			end := extent(text)
			if !yield(parse(text[:end])) {
				return
			}
			text = text[end:]
		}
		if !met {
			yield(Record{}, ErrNone)
		}
	}
}

// extent is how much of text is its first record.
func extent(text []byte) int {
	end := bytes.IndexByte(text, endOfRecord) + 1
	if end == 0 {
		end = len(text)
	}
	if next := begun.FindSubmatchIndex(text[:end]); next != nil {
		end = next[2]
	}
	return end
}

// entry is a field as the directory has it.
type entry struct {
	tag           string
	length, start int
}

// parse reads one record.
func parse(raw []byte) (r Record, err error) {
	raw = bytes.TrimRight(bytes.TrimSuffix(bytes.TrimRight(raw, between), []byte{endOfRecord}), between)
	if len(raw) < leaderLen {
		return r, errors.New("it is cut off in its leader; export it again")
	}
	r.Leader = strings.ToValidUTF8(string(raw[:leaderLen]), " ")
	directory, data, found := bytes.Cut(raw[leaderLen:], []byte{endOfField})
	if !found {
		return r, errors.New("it is cut off in its directory; export it again")
	}
	entries, err := entriesOf(directory)
	if err != nil {
		return r, err
	}
	texts, err := texts(entries, data)
	if err != nil {
		return r, err
	}
	c := characters{utf8: raw[9] == 'a'}
	for i, e := range entries {
		if e.tag < "010" {
			continue
		}
		for _, sub := range bytes.Split(texts[i], []byte{beginSubfield})[1:] {
			c.weigh(sub)
		}
	}
	for i, e := range entries {
		if e.tag < "010" {
			r.Control = append(r.Control, Control{e.tag, c.text(texts[i])})
			continue
		}
		head, subs, found := bytes.Cut(texts[i], []byte{beginSubfield})
		if !found {
			continue // nothing in it
		}
		f := Field{Tag: e.tag, Ind1: indicator(head, 0), Ind2: indicator(head, 1)}
		for _, sub := range bytes.Split(subs, []byte{beginSubfield}) {
			if len(sub) > 0 && sub[0] > ' ' && sub[0] < 0x7F {
				f.Subs = append(f.Subs, Subfield{string(sub[:1]), c.text(sub[1:])})
			}
		}
		r.Data = append(r.Data, f)
	}
	r.Notes = c.notes()
	return r, nil
}

func indicator(head []byte, i int) string {
	if i < len(head) && head[i] > ' ' && head[i] < 0x7F {
		return string(head[i : i+1])
	}
	return " "
}

// entriesOf reads a directory.
func entriesOf(directory []byte) (entries []entry, err error) {
	for i := 0; i < len(directory); i += entryLen {
		if i+entryLen > len(directory) {
			return nil, errors.New("its directory is damaged; export it again")
		}
		text := string(directory[i : i+entryLen])
		length, err := strconv.ParseUint(text[3:7], 10, 31)
		start, err2 := strconv.ParseUint(text[7:], 10, 31)
		if err != nil || err2 != nil || strings.Trim(strings.ToUpper(text[:3]), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return nil, errors.New("its directory is damaged; export it again")
		}
		entries = append(entries, entry{text[:3], int(length), int(start)})
	}
	return entries, nil
}

// texts are the data of the entries, without their ends.
func texts(entries []entry, data []byte) ([][]byte, error) {
	if len(data) == 0 || data[len(data)-1] != endOfField {
		data = append(slices.Clip(data), endOfField)
	}
	all := make([][]byte, len(entries))
	exact := true
	for i, e := range entries {
		end := e.start + e.length
		if exact = e.length > 0 && end <= len(data) && data[end-1] == endOfField && (e.start == 0 || data[e.start-1] == endOfField); !exact {
			break
		}
		all[i] = data[e.start : end-1]
		if exact = bytes.IndexByte(all[i], endOfField) < 0; !exact {
			break
		}
	}
	if exact {
		return all, nil
	}
	// Lengths that count characters: starts that do keep the order.
	pieces := bytes.Split(data[:len(data)-1], []byte{endOfField})
	if len(pieces) != len(entries) {
		return nil, errors.New("its directory does not fit its fields; export it again")
	}
	order := make([]int, len(entries))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(entries[a].start, entries[b].start) })
	for i, at := range order {
		all[at] = pieces[i]
	}
	return all, nil
}
