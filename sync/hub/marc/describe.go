package marc

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"coldstation/sync/circ"
)

// Fault is what is wrong with a field.
type Fault struct{ Tag, Text string }

// Describe is what the record says of each of its items, ID and Home left out:
//
//	leader/06         i or j: audio
//	007/00, 01        s: audio; tb: large print
//	008/07-10         the year, where 264 and 260 have none
//	008/23            d: large print; for maps and pictures 008/29
//	008/35-37, 041$a  the language; 041 first
//	100$a, 110$a      the author; 700 where there is neither
//	245$a $b $n $p    the title, without what is of a parallel title
//	264$c, 260$c      the year
//	300$a             "large print"; the number of discs, which are lent together
//	336$b spw         audio
//	340$n             "large print"
//	650$a             the subject: the first one
//	655$a             selkokirjat, lättlästa böcker and the like: easy language;
//	                  large print; audiobooks
//
// Notes (5xx) are not read. The item is always one that a station takes: texts
// are cut to what it does, and what makes no sense is left out, and is a fault too.
//
// Source: www.loc.gov/marc/bibliographic.
func (r Record) Describe() (circ.Item, []Fault) {
	var faults []Fault
	short := func(tag, text string) string {
		if len(text) > circ.MaxText {
			faults = append(faults, Fault{tag, fmt.Sprintf("it is %d bytes long, at most %d fit; shorten it", len(text), circ.MaxText)})
		}
		return clip(text, circ.MaxText)
	}
	language, known := r.language()
	if !known {
		faults = append(faults, Fault{"041", fmt.Sprintf("%q is no language code; write three letters as in ISO 639-2: fin, swe, eng", language)})
		language = ""
	}
	item := circ.Item{
		Title:    short("245", r.title()),
		Author:   short("100", r.author()),
		Year:     r.year(),
		Language: language,
		Subject:  short("650", tidy(r.first("650", "a"))),
		Marks:    r.marks(),
		Parts:    r.discs(),
	}
	if item.Title == "" {
		faults = append(faults, Fault{"245", "subfield a, the title, is missing; add it"})
	}
	return item, faults
}

// clip is at most limit bytes of s, in whole characters, none of which controls
// anything.
func clip(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) <= limit {
		return s
	}
	for !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// title joins what comes before the statement of responsibility: "Sata: runoja.
// 2. Talvi".
func (r Record) title() string {
	fields := r.All("245")
	if len(fields) == 0 {
		return ""
	}
	var title, before string
	for _, s := range fields[0].Subs {
		text := tidy(strings.Join(strings.Fields(s.Text), " "))
		parallel := strings.HasSuffix(before, "=")
		before = strings.TrimSpace(s.Text)
		switch {
		case s.Code == "a" && title == "":
			title = text
			continue
		case text == "" || title == "" || !strings.Contains("bnp", s.Code):
			continue
		case parallel:
			return title
		case s.Code == "b":
			title += ": " + text
		default:
			title += ". " + text
		}
	}
	return title
}

// author is "Väinö Linna" from "Linna, Väinö,".
func (r Record) author() string {
	for _, tag := range []string{"100", "110", "700"} {
		fields := r.All(tag)
		if len(fields) == 0 {
			continue
		}
		name := tidy(fields[0].Sub("a"))
		if family, given, found := strings.Cut(name, ", "); found && fields[0].Ind1 == "1" {
			return given + " " + family
		}
		return name
	}
	return ""
}

var fourDigits = regexp.MustCompile(`[12]\d\d\d`)

func (r Record) year() int {
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

var threeLetters = regexp.MustCompile(`^[A-Za-z]{3}$`)

// language is ISO 639-1, "" for one that has no such code; false with the code
// as written when it is not three letters. 041 held several in one subfield until
// 2001, as "finswe": the first is the text's.
func (r Record) language() (string, bool) {
	code := r.first("041", "a")
	if len(code) > 3 && len(code)%3 == 0 {
		code = code[:3]
	}
	code = cmp.Or(code, strings.Trim(slice(r.control("008"), 35, 38), " |^#"))
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

func (r Record) marks() (m circ.Marks) {
	kind, form := slice(r.Leader, 6, 7), 23
	if strings.Contains("efgkor", kind) && kind != "" { // maps and visual materials keep it elsewhere
		form = 29
	}
	for _, c := range r.Control {
		if c.Tag == "007" && strings.HasPrefix(c.Text, "s") {
			m |= circ.Audio
		}
		if c.Tag == "007" && strings.HasPrefix(c.Text, "tb") {
			m |= circ.LargePrint
		}
	}
	if kind == "i" || kind == "j" || r.has("336", "b", "spw") ||
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
func (r Record) discs() int {
	if found := discs.FindStringSubmatch(r.first("300", "a")); found != nil {
		if n, err := strconv.Atoi(found[1]); err == nil && n > 0 && n <= 255 {
			return n
		}
	}
	return 1
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
