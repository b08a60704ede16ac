package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"coldstation/cmd/internal/conf"
	"coldstation/kiosk"
	"coldstation/kiosk/flow"
	"coldstation/kiosk/receipt"
	"coldstation/kiosk/speech"
	"coldstation/rfid"
	"coldstation/rfid/line"
	"coldstation/rfid/number"
	"coldstation/sync/identity"
	"coldstation/sync/ledger"
	"coldstation/sync/setting"
)

// settings are the kiosk's, as flags, environment and file give them.
type settings struct {
	identity identity.Station
	pass     *identity.Pass // its certificate; nil without TLS
	station  kiosk.Settings
	key      string // file
	ledger   string // file
	blobs    string // folder
	keep     time.Duration
	reserve  int64 // bytes
	qos      byte
	readers  []attached
	trays    []attached // at most one
	scale    scale
	keys     []rfid.Key // of cards; none: the public ones
	scanner  string
	adds     line.Options   // what the scanner puts around a number
	speech   speech.Program // none: silent
	names    speech.Names
	printer  receipt.Options // without an address: none

	checkOnly bool
	fixed     []string // that the library does not set from afar

	touch                     string // panel whose palms are kept out; none: its own affair
	width, height             int    // of a window; 0: the whole screen
	diagonal, perMM, distance float64
}

// attached is a reader on a port.
type attached struct {
	port, protocol string
	cards          bool // for cards alone, beside the pad
}

func parse(args []string) (settings, error) {
	set := flag.NewFlagSet("kiosk", flag.ContinueOnError)
	usual := flow.DefaultRules("")
	var (
		data      = set.String("data", "/var/lib/coldstation", "`folder` of the ledger and of the station's key")
		file      = set.String("identity", "", "`file` that makes this machine a station: from hub station add, or a systemd credential (default: station.json in --data)")
		code      = set.String("enrol", "", "`code` of hub station add, to become that station at the first start")
		key       = set.String("key", "", "`file` with the 32 bytes that patrons are hidden under, or a systemd credential (default: station.key in --data, made at first)")
		broker    = set.String("broker", "", "`address` of the broker, mqtt://host:port or mqtts://host:port, when it is not the identity's")
		qos       = set.Uint("broker-qos", 0, "quality of service, 0 or 1, of what comes down; the hub's own broker and NATS want 0")
		languages = set.String("languages", "fi,sv,en,fi-simple", "`tags` of the languages on the screen, by commas, the station's own first")

		pad       = set.String("reader", "", "`port` of the pad: a device, usb:VENDOR:PRODUCT[:SERIAL] or tcp:HOST:PORT")
		protocol  = set.String("reader-protocol", "auto", "how the pad is spoken to: auto, or a `name` of readersim --help")
		cards     = set.String("card-reader", "", "`port` of a card reader beside the pad")
		cardsHow  = set.String("card-reader-protocol", "auto", "how the card reader is spoken to: auto or a `name`")
		cardKeys  = set.String("card-keys", "", "`file` of keys that open MIFARE Classic cards, one a line, as A:A0A1A2A3A4A5; the public ones are tried after them")
		scanner   = set.String("scanner", "", "`port` of a barcode scanner, or of a reader that types numbers")
		adds      = set.String("scanner-adds", "", "`marks` that the scanner puts around a number, by commas: aim (identifiers), codabar (start and stop letters)")
		gate      = set.String("security", "afi", "the `mark` in a tag that the gate listens for, and so what is written: afi, eas (of NXP ICODE chips), both or none")
		secured   = set.String("afi-in-library", "07", "`AFI` of tags on the shelf, in hex; 3M's: D7")
		unsecured = set.String("afi-on-loan", "C2", "`AFI` of tags on loan, in hex; 3M's: DA")
		owners    = set.String("owners", "", "`ISILs` of the library, by commas; a tag of another owner goes into the box")
		numbers   = set.String("numbers", "", "`file` of rules of the numbers on cards and items; try them with readersim number")

		says    = set.String("speech", "auto", "what speaks: off, espeak-ng, auto (espeak-ng where there is one), or a `command` that reads text and speaks it, with {language}, {voice}, {speed} and {volume} among its arguments")
		names   = set.String("speech-names", "headphones", "the `occasion` for saying names and titles: never, headphones (while they are plugged in), always")
		printer = set.String("printer", "", "`port` of the receipt printer: a device, as /dev/usb/lp0, or tcp:HOST:9100")
		dots    = set.Int("printer-width", 576, "`dots` in a row: 576 on paper of 80 mm, 384 on 58 mm")
		baud    = set.Int("printer-baud", 19200, "`speed` of a printer on a serial port")
		closing = set.String("printer-closing", "", "the last `sentence` on a receipt, instead of the language's own; for several languages fi=Hyvää lukuhetkeä|sv=God läsning")
		tiles   = set.String("tiles", "none", "the `people` who may touch a name instead of showing a card: none, staff, or open (who agreed to it)")
		secrets = set.Bool("secret-numbers", false, "ask for the secret number of who has one")
		house   = set.Bool("house", false, "offer to take books into use in the house, without anybody's name")
		unknown = set.String("unknown-cards", "lend", "`rule` for cards that nobody knows here and that are not valid in the library network: lend (and tell the library) or staff (leave it to them)")
		blocked = set.String("blocked-cards", "lend", "`rule` for cards that the library has blocked: lend (and tell the library) or staff (leave it to them)")
		tray    = set.String("tray", "", "`port` of a pad for books that were read in the house")
		trayHow = set.String("tray-protocol", "feig", "how the tray is spoken to: a `name` of readersim --help")

		textSize = set.String("text-size", "normal", "`size` of the text before a person chooses: normal, large or largest")
		contrast = set.String("contrast", "calm", "`colours` before a person chooses: calm or strong")
		volume   = set.String("speech-volume", "usual", "how `loud` speech is before a person chooses: silent, softer, usual, louder or loudest")
		pace     = set.String("speech-pace", "usual", "how `fast` speech is before a person chooses: usual or slow")
		linger   = set.Duration("linger", usual.Linger, "how long after card and books are gone a visit ends by itself")
		gather   = set.Duration("gather", usual.Gather, "how long books on the pad wait for their card")
		undo     = set.Duration("undo", usual.Undo, "how long a person may say that they did not mean a book")
		ask      = set.Duration("ask", usual.Ask, "after how long without a movement the screen asks whether somebody is there")
		clear    = set.Duration("clear", usual.Clear, "how long after that it waits for an answer")
		fixed    = set.String("fixed", "", "`names` of settings, by commas, that the library must not change from afar: see operating.md")

		keep    = set.Duration("keep-events", ledger.Retention, "how long events stay here that the library has, so that it can ask for them again")
		reserve = set.Int("reserve-mb", 4, "`MB` of the disk held back for the day it is full; 0: the disk is not watched")

		check    = set.Bool("check-config", false, "say whether these settings go together, and end")
		panel    = set.String("touch", "", "`device` of the touch panel, as in /dev/input/by-id, to keep resting palms out; see installing.md")
		window   = set.String("window", "", "`WxH` pixels of a window, instead of the whole screen")
		diagonal = set.Float64("screen-inches", 15.6, "diagonal of the screen in `inches`")
		perMM    = set.Float64("screen-pixels-per-mm", 0, "`pixels` of a measured millimetre, when the diagonal does not tell")
		distance = set.Float64("screen-distance-mm", 450, "from the eyes to the screen in `mm`")
	)
	if err := conf.Parse(set, args); err != nil {
		return settings{}, err
	}
	if set.NArg() > 0 {
		return settings{}, fmt.Errorf("%q: the kiosk takes only settings; see --help", set.Arg(0))
	}
	s := settings{
		key:       credential(*key, *data, "station.key"),
		ledger:    filepath.Join(*data, "ledger.db"),
		blobs:     filepath.Join(*data, "blobs"),
		checkOnly: *check,
		scanner:   *scanner,
		touch:     *panel,
		qos:       byte(*qos),
		keep:      *keep,
		reserve:   int64(*reserve) << 20,
		diagonal:  *diagonal, perMM: *perMM, distance: *distance,
	}
	if *keep < 24*time.Hour || *reserve < 0 || *reserve > 1024 {
		return s, fmt.Errorf("--keep-events %s, --reserve-mb %d: want a day at least, and 0 to 1024", *keep, *reserve)
	}
	if *qos > 1 {
		return s, fmt.Errorf("--broker-qos %d: want 0 or 1", *qos)
	}
	if *window != "" {
		if _, err := fmt.Sscanf(*window, "%dx%d", &s.width, &s.height); err != nil || s.width < 320 || s.height < 240 {
			return s, fmt.Errorf("--window %s: want WxH, at least 320x240", *window)
		}
	}
	var err error
	if err := errors.Join(conf.Own(*data), os.MkdirAll(*data, 0o700)); err != nil {
		return s, err
	}
	// Fyne keeps its preferences where this says; a station writes nowhere else.
	if err := os.Setenv("XDG_CONFIG_HOME", *data); err != nil {
		return s, err
	}
	if s.identity, s.pass, err = who(*file, *data, *code); err != nil {
		return s, fmt.Errorf("who this station is: %w", err)
	}
	if *broker != "" {
		s.identity.Broker = *broker
	}
	s.station = kiosk.DefaultSettings(s.identity.Station, list(*languages)...)
	s.station.Version = program
	s.station.Owners = list(*owners)
	if s.station.Gate, err = kiosk.ParseGate(*gate); err != nil {
		return s, fmt.Errorf("--security: %w", err)
	}
	if s.station.Secured, err = afi(*secured); err != nil {
		return s, fmt.Errorf("--afi-in-library: %w", err)
	}
	if s.station.Unsecured, err = afi(*unsecured); err != nil {
		return s, fmt.Errorf("--afi-on-loan: %w", err)
	}
	if s.station.Numbers, err = rules(*numbers); err != nil {
		return s, fmt.Errorf("--numbers: %w", err)
	}
	if s.keys, err = keys(*cardKeys); err != nil {
		return s, fmt.Errorf("--card-keys: %w", err)
	}
	for _, word := range list(*adds) {
		switch word {
		case "aim":
			s.adds.AIM = true
		case "codabar":
			s.adds.Codabar = true
		default:
			return s, fmt.Errorf("--scanner-adds: %q is neither aim nor codabar", word)
		}
	}
	s.speech = speaker(*says)
	if s.names, err = speech.ParseNames(*names); err != nil {
		return s, fmt.Errorf("--speech-names: %w", err)
	}
	s.printer = receipt.Options{Address: *printer, Baud: *baud, Width: *dots}
	if s.printer.Closing, err = closings(*closing, s.station.Rules.Languages); err != nil {
		return s, fmt.Errorf("--printer-closing: %w", err)
	}
	if _, err := receipt.New(s.printer); err != nil {
		return s, fmt.Errorf("--printer: %w", err)
	}
	rules := &s.station.Rules
	rules.Secret, rules.House = *secrets, *house
	if rules.Tiles, err = chosen("--tiles", *tiles, map[string]flow.Tiles{"none": flow.NoTiles, "staff": flow.StaffTiles, "open": flow.OpenTiles}); err != nil {
		return s, err
	}
	cardRules := map[string]flow.Rule{"lend": flow.LendAndFlag, "staff": flow.AskTheStaff}
	if rules.UnknownCards, err = chosen("--unknown-cards", *unknown, cardRules); err != nil {
		return s, err
	}
	if rules.BlockedCards, err = chosen("--blocked-cards", *blocked, cardRules); err != nil {
		return s, err
	}
	looks := &rules.Look
	if looks.Size, err = chosen("--text-size", *textSize, map[string]flow.TextSize{"normal": flow.Normal, "large": flow.Large, "largest": flow.Largest}); err != nil {
		return s, err
	}
	if looks.Contrast, err = chosen("--contrast", *contrast, map[string]bool{"calm": false, "strong": true}); err != nil {
		return s, err
	}
	if looks.Volume, err = chosen("--speech-volume", *volume, map[string]flow.Volume{"silent": flow.Silent, "softer": flow.Softer, "usual": flow.Usual, "louder": flow.Louder, "loudest": flow.Loudest}); err != nil {
		return s, err
	}
	if looks.Slow, err = chosen("--speech-pace", *pace, map[string]bool{"usual": false, "slow": true}); err != nil {
		return s, err
	}
	rules.Linger, rules.Gather, rules.Undo, rules.Ask, rules.Clear = *linger, *gather, *undo, *ask, *clear
	for name, span := range map[string]time.Duration{"linger": *linger, "gather": *gather, "undo": *undo, "ask": *ask, "clear": *clear} {
		if err := setting.CheckOne(name, span.String()); err != nil {
			return s, fmt.Errorf("--%w", err)
		}
	}
	for _, name := range list(*fixed) {
		if _, known := setting.Find(name); !known {
			return s, fmt.Errorf("--fixed: %q is nothing that the library could set", name)
		}
		s.fixed = append(s.fixed, name)
	}
	s.scale = scale(filepath.Join(*data, "screen-scale"))
	if rules.Scale, err = s.scale.read(); err != nil {
		return s, err
	}
	if *tray != "" {
		s.trays = append(s.trays, attached{port: *tray, protocol: *trayHow})
	}
	for _, a := range []attached{{*pad, *protocol, false}, {*cards, *cardsHow, true}} {
		if a.port != "" {
			s.readers = append(s.readers, a)
		}
	}
	if len(s.readers) == 0 && s.scanner == "" {
		return s, fmt.Errorf("nothing to see books with: set --reader, --card-reader or --scanner")
	}
	return s, s.station.Validate()
}

// closings are the last sentences of receipts by language, from fi=…|sv=…; of one
// sentence without a language before it, for all of them.
func closings(text string, languages []string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	by := map[string]string{}
	for part := range strings.SplitSeq(text, "|") {
		language, sentence, named := strings.Cut(part, "=")
		if language = strings.TrimSpace(language); named && slices.Contains(languages, language) {
			by[language] = strings.TrimSpace(sentence)
			continue
		}
		if strings.Contains(text, "|") {
			return nil, fmt.Errorf("%q does not begin with one of %s and =", part, strings.Join(languages, ", "))
		}
		for _, language := range languages {
			by[language] = strings.TrimSpace(text)
		}
	}
	return by, nil
}

// chosen is what a word of a setting stands for.
func chosen[T any](setting, word string, all map[string]T) (T, error) {
	choice, known := all[word]
	if !known {
		return choice, fmt.Errorf("%s %s: want %s", setting, word, strings.Join(slices.Sorted(maps.Keys(all)), ", "))
	}
	return choice, nil
}

// scale is a file with the screen's scale, as the staff measured it at the screen.
type scale string

// read gives 0 before anybody measured.
func (s scale) read() (float64, error) {
	text, err := os.ReadFile(string(s))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	is, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil || is < 0.2 || is > 5 {
		return 0, fmt.Errorf("%s: %q is no scale; remove the file and measure the screen again", string(s), text)
	}
	return is, nil
}

func (s scale) keep(is float64) error {
	fresh := string(s) + ".new"
	if err := os.WriteFile(fresh, strconv.AppendFloat(nil, is, 'f', 4, 64), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, string(s))
}

// credential is where a secret lies: where it is said to, else where systemd
// puts it (LoadCredential=), else in the data folder.
func credential(said, data, name string) string {
	if said != "" {
		return said
	}
	if folder := os.Getenv("CREDENTIALS_DIRECTORY"); folder != "" {
		if path := filepath.Join(folder, name); exists(path) {
			return path
		}
	}
	return filepath.Join(data, name)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

func afi(text string) (rfid.AFI, error) {
	n, err := strconv.ParseUint(text, 16, 8)
	return rfid.AFI(n), err
}

// keys are those in a file before the public ones; none when there is no file.
func keys(path string) (all []rfid.Key, err error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for n, word := range strings.Fields(string(text)) {
		key, err := rfid.ParseKey(word)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", n+1, err)
		}
		all = append(all, key)
	}
	return append(all, rfid.DefaultKeys...), nil
}

// rules are those in a file; none when there is no file.
func rules(path string) (number.Rules, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return number.Parse(string(text))
}
