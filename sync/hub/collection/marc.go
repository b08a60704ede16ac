package collection

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"coldstation/sync/circ"
)

// ReadMARC reads items from MARC 21 bibliographic records in MARCXML, with the
// item data of Koha's field 952 or, where there is none, 852 of the format
// itself:
//
//	leader/06         i or j: audio
//	007/00            s: audio
//	008/07-10         the year, where 264 and 260 have none
//	008/23            d: large print; for maps and pictures 008/29
//	008/35-37, 041$a  the language; 041 first
//	100$a, 110$a      the author; 700 where there is neither
//	245$a $n $p       the title
//	264$c, 260$c      the year
//	300$a             "large print"; the number of discs, which are lent together
//	336$b spw         audio
//	340$n             "large print"
//	650$a             the subject: the first one
//	655$a             selkokirjat, lättlästa böcker and the like: easy language;
//	                  large print; audiobooks
//	952$p, 852$p      the barcode: one item each
//	952$a, 852$b      the home station, when it has a station's name
//
// A record without a title, or without a barcode, is a fault: nothing of it
// could be lent. Notes (5xx) are not read.
//
// Source: www.loc.gov/marc/bibliographic, www.loc.gov/standards/marcxml,
// koha-community.org manual (items in 952).
func ReadMARC(r io.Reader) ([]circ.Item, error) {
	var (
		items  []circ.Item
		faults []error
		seen   = make(map[circ.ItemID]int)
		read   = xml.NewDecoder(r)
		inside bool // a collection or record was met: it is MARCXML at all
		n      int
	)
	for {
		token, err := read.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("after record %d: %w", n, err)
		}
		start, is := token.(xml.StartElement)
		if !is {
			continue
		}
		if start.Name.Local == "collection" {
			inside = true
		}
		if start.Name.Local != "record" {
			continue
		}
		inside = true
		n++
		var rec record
		if err := read.DecodeElement(&rec, &start); err != nil {
			return nil, fmt.Errorf("record %d: %w", n, err)
		}
		found, bad := rec.items(n)
		for _, item := range found {
			if before := seen[item.ID]; before != 0 {
				bad = append(bad, fmt.Errorf("%s: barcode %s is also in record %d; an item has a barcode of its own", rec.place(n, "952"), item.ID, before))
			}
			seen[item.ID] = n
		}
		items, faults = append(items, found...), append(faults, bad...)
	}
	if !inside {
		faults = append(faults, errors.New("the file has no MARCXML record: export the collection as MARCXML"))
	}
	if err := gather(faults); err != nil {
		return nil, err
	}
	return items, nil
}

type record struct {
	Leader  string    `xml:"leader"`
	Control []control `xml:"controlfield"`
	Data    []field   `xml:"datafield"`
}

type control struct {
	Tag  string `xml:"tag,attr"`
	Text string `xml:",chardata"`
}

type field struct {
	Tag  string `xml:"tag,attr"`
	Ind1 string `xml:"ind1,attr"`
	Subs []struct {
		Code string `xml:"code,attr"`
		Text string `xml:",chardata"`
	} `xml:"subfield"`
}

// items are the items that r, the nth record, describes.
func (r record) items(n int) (items []circ.Item, faults []error) {
	fault := func(tag, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: %s", r.place(n, tag), fmt.Sprintf(format, args...)))
	}
	language, known := r.language()
	if !known {
		fault("041", "%q is no language code of ISO 639-2", language)
	}
	item := circ.Item{
		Title:    r.title(),
		Author:   r.author(),
		Year:     r.year(),
		Language: language,
		Subject:  tidy(r.first("650", "a")),
		Marks:    r.marks(),
		Parts:    r.discs(),
	}
	if item.Title == "" {
		fault("245", "subfield a, the title, is missing")
	}
	for _, text := range []struct{ tag, text string }{{"245", item.Title}, {"100", item.Author}, {"650", item.Subject}} {
		if len(text.text) > circ.MaxText {
			fault(text.tag, tooLong, len(text.text), circ.MaxText)
		}
	}
	tag, home := "952", "a"
	if len(r.all(tag)) == 0 {
		tag, home = "852", "b"
	}
	for _, f := range r.all(tag) {
		item.ID = circ.ItemID(f.sub("p"))
		if item.ID == "" {
			fault(tag, "subfield p, the barcode, is missing")
			continue
		}
		if len(item.ID) > circ.MaxItemID {
			fault(tag, "subfield p, the barcode: "+tooLong, len(item.ID), circ.MaxItemID)
			continue
		}
		item.Home = circ.StationID(f.sub(home))
		if !item.Home.Valid() { // a branch code that is no station of ours
			item.Home = ""
		}
		items = append(items, item)
	}
	if len(r.all(tag)) == 0 {
		fault("952", "it is missing: export the records with their items")
	}
	return items, faults
}

// place names a record by its number in the file and its own 001.
func (r record) place(n int, tag string) string {
	if id := r.control("001"); id != "" {
		return fmt.Sprintf("record %d (001 %s), field %s", n, id, tag)
	}
	return fmt.Sprintf("record %d, field %s", n, tag)
}

func (r record) title() string {
	fields := r.all("245")
	if len(fields) == 0 {
		return ""
	}
	title := tidy(fields[0].sub("a"))
	for _, code := range []string{"n", "p"} {
		if part := tidy(fields[0].sub(code)); part != "" && title != "" {
			title += ". " + part
		}
	}
	return title
}

// author is "Väinö Linna" from "Linna, Väinö,".
func (r record) author() string {
	for _, tag := range []string{"100", "110", "700"} {
		fields := r.all(tag)
		if len(fields) == 0 {
			continue
		}
		name := tidy(fields[0].sub("a"))
		if family, given, found := strings.Cut(name, ", "); found && fields[0].Ind1 == "1" {
			return given + " " + family
		}
		return name
	}
	return ""
}

var fourDigits = regexp.MustCompile(`[12]\d\d\d`)

func (r record) year() int {
	for _, text := range []string{r.first("264", "c"), r.first("260", "c"), slice(r.control("008"), 7, 11)} {
		if year, err := strconv.Atoi(fourDigits.FindString(text)); err == nil {
			return year
		}
	}
	return 0
}

// languages are the codes of ISO 639-2/B and /T that a Finnish public library
// is likely to hold, as ISO 639-1.
var languages = map[string]string{
	"ara": "ar", "ber": "", "bul": "bg", "cat": "ca", "chi": "zh", "zho": "zh", "cze": "cs", "ces": "cs", "dan": "da", "dut": "nl", "nld": "nl",
	"eng": "en", "epo": "eo", "est": "et", "fin": "fi", "fre": "fr", "fra": "fr", "ger": "de", "deu": "de", "gle": "ga", "gre": "el", "ell": "el",
	"heb": "he", "hin": "hi", "hrv": "hr", "hun": "hu", "ice": "is", "isl": "is", "ita": "it", "jpn": "ja", "kor": "ko", "kur": "ku", "lat": "la",
	"lav": "lv", "lit": "lt", "mul": "", "nno": "nn", "nob": "nb", "nor": "no", "per": "fa", "fas": "fa", "pol": "pl", "por": "pt", "rum": "ro", "ron": "ro",
	"rus": "ru", "sma": "", "sme": "se", "smi": "se", "smn": "", "sms": "", "som": "so", "spa": "es", "sqi": "sq", "alb": "sq", "srp": "sr",
	"swa": "sw", "swe": "sv", "tha": "th", "tur": "tr", "ukr": "uk", "und": "", "urd": "ur", "vie": "vi", "yid": "yi", "zxx": "",
}

// language is ISO 639-1, "" for one that has no such code; false with the code
// as written when it is not three letters.
func (r record) language() (string, bool) {
	code := r.first("041", "a")
	if code == "" {
		code = strings.Trim(slice(r.control("008"), 35, 38), " |^#")
	}
	if code == "" {
		return "", true
	}
	if short, found := languages[strings.ToLower(code)]; found {
		return short, true
	}
	if !threeLetters.MatchString(code) {
		return code, false
	}
	return "", true
}

var threeLetters = regexp.MustCompile(`^[A-Za-z]{3}$`)

func (r record) marks() (m circ.Marks) {
	kind, form := slice(r.Leader, 6, 7), 23
	if strings.Contains("efgkor", kind) && kind != "" { // maps and visual materials keep it elsewhere
		form = 29
	}
	if kind == "i" || kind == "j" || slice(r.control("007"), 0, 1) == "s" || r.has("336", "b", "spw") ||
		r.has("655", "a", "äänikirja", "talbok", "ljudbok", "ljudböcker", "audiobook") {
		m |= circ.Audio
	}
	if slice(r.control("008"), form, form+1) == "d" || r.has("300", "a", "large print") || r.has("340", "n", "large print") ||
		r.has("655", "a", "large print", "isotekstiset", "storstil") {
		m |= circ.LargePrint
	}
	if r.has("655", "a", "selkokirja", "lättläst", "easy language", "easy-to-read") {
		m |= circ.EasyLanguage
	}
	return m
}

var discs = regexp.MustCompile(`(\d+)\s+(?i:CD|DVD|audio disc|äänilevy|ljudskiv)`)

// discs is how many discs are lent together; 1 for everything else.
func (r record) discs() int {
	if found := discs.FindStringSubmatch(r.first("300", "a")); found != nil {
		if n, err := strconv.Atoi(found[1]); err == nil && n > 0 && n <= 255 {
			return n
		}
	}
	return 1
}

func (r record) control(tag string) string {
	for _, c := range r.Control {
		if c.Tag == tag {
			return c.Text
		}
	}
	return ""
}

func (r record) all(tag string) (fields []field) {
	for _, f := range r.Data {
		if f.Tag == tag {
			fields = append(fields, f)
		}
	}
	return fields
}

func (r record) first(tag, code string) string {
	for _, f := range r.all(tag) {
		if text := f.sub(code); text != "" {
			return text
		}
	}
	return ""
}

// has reports whether a field contains one of the words, in any case.
func (r record) has(tag, code string, words ...string) bool {
	for _, f := range r.all(tag) {
		for _, s := range f.Subs {
			for _, word := range words {
				if s.Code == code && strings.Contains(strings.ToLower(s.Text), word) {
					return true
				}
			}
		}
	}
	return false
}

func (f field) sub(code string) string {
	for _, s := range f.Subs {
		if s.Code == code {
			return strings.Join(strings.Fields(s.Text), " ")
		}
	}
	return ""
}

// tidy takes off the punctuation that cataloguing rules put before the next
// subfield. A full stop stays after an initial: "Jerome K.".
func tidy(s string) string {
	s = strings.TrimRight(s, " /:;,=")
	if cut, found := strings.CutSuffix(s, "."); found && !strings.HasSuffix(cut, ".") {
		word := cut[strings.LastIndexAny(cut, " .")+1:]
		if utf8.RuneCountInString(word) > 1 {
			s = cut
		}
	}
	return s
}

// slice is s[from:to] by bytes, as far as s has them: fixed fields are ASCII.
func slice(s string, from, to int) string {
	if from >= len(s) {
		return ""
	}
	return s[from:min(to, len(s))]
}
