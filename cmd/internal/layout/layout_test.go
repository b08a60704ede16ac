package layout

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "coldstation/"

// source is one Go file of the tree, read by go/parser: a test that asked the
// go command would go stale in its own cache.
type source struct {
	path    string // from the root, with slashes
	dir     string // its folder; the package's import path without the module
	test    bool
	imports []string // as written; ours begin with the module's name
	doc     bool     // it carries a package comment
}

func tree(t *testing.T) []source {
	t.Helper()
	const root = "../../.."
	var sources []source
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if entry.IsDir() {
			switch entry.Name() {
			case ".git", "build", "testdata", "node_modules":
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(rel) != ".go" {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		s := source{path: rel, dir: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"), doc: parsed.Doc != nil}
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, name)
		}
		sources = append(sources, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(sources) < 20 {
		t.Fatalf("read only %d Go files: the walk is broken", len(sources))
	}
	return sources
}

// under reports whether pkg is folder or lies in it.
func under(pkg, folder string) bool {
	return pkg == folder || strings.HasPrefix(pkg, folder+"/")
}

func underAny(pkg string, folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool { return under(pkg, folder) })
}

// TestForbiddenImports keeps the rooms apart. A rule that binds tests too says
// so: most do not, since a test may well bring two rooms together.
func TestForbiddenImports(t *testing.T) {
	rules := []struct {
		from  string
		never []string
		why   string
		tests bool
	}{
		{"rfid", []string{"sync", "kiosk", "cmd"}, "a reader knows tags, not loans", true},
		{"sync", []string{"rfid", "kiosk", "cmd"}, "the library's side has no pad and no window", true},
		{"kiosk", []string{"cmd"}, "nothing below cmd reaches back up", true},
		{"assets", []string{"cmd", "kiosk", "rfid", "sync"}, "assets are embedded, not computed", false},
		{"sync/circ", []string{"sync/wire", "sync/ledger", "sync/link", "sync/courier", "sync/hub"}, "circ imports nothing of ours", true},
		{"sync/wire", []string{"sync/ledger", "sync/link", "sync/courier", "sync/hub"}, "an encoding knows neither store nor carrier", true},
		{"sync/link", []string{"sync/circ"}, "a link carries bytes", true},
		{"sync/hub/sip2", []string{"sync/circ"}, "the protocol is of use to others", true},
		{"rfid/iso28560", []string{"rfid/feig", "rfid/port", "rfid/sim"}, "what a tag holds does not depend on who read it", true},
		{"sync/hub/web", []string{"sync/hub/ils"}, "pages show what the hub knows and never ask the library system", false},
		{"sync/hub/ils", []string{"sync/hub/web"}, "posting must not need a page", false},
	}
	for _, s := range tree(t) {
		for _, rule := range rules {
			if !under(s.dir, rule.from) || s.test && !rule.tests {
				continue
			}
			for _, name := range s.imports {
				if ours, found := strings.CutPrefix(name, module); found && underAny(ours, rule.never) {
					t.Errorf("%s imports %s: %s", s.path, name, rule.why)
				}
			}
		}
	}
}

// TestWindowless keeps Fyne out of everything that must run without a display.
func TestWindowless(t *testing.T) {
	for _, s := range tree(t) {
		if s.dir != "kiosk" && !under(s.dir, "kiosk/fleet") {
			continue
		}
		if slices.Contains(s.imports, module+"kiosk/ui") {
			t.Errorf("%s imports kiosk/ui: two hundred stations need no windows", s.path)
		}
	}
}

// TestFlowIsPure: the visit is decided on values, by circ alone.
func TestFlowIsPure(t *testing.T) {
	machine := []string{"context", "log", "log/slog", "net", "os", "sync"}
	for _, s := range tree(t) {
		if !under(s.dir, "kiosk/flow") || s.test {
			continue
		}
		for _, name := range s.imports {
			if strings.HasPrefix(name, module) && name != module+"sync/circ" || underAny(name, machine) {
				t.Errorf("%s imports %s: no lock, log or machine decides a visit, and of ours only circ", s.path, name)
			}
		}
	}
}

// TestOneDoor: each outside dependency has one room that knows it, so that it
// can be replaced there.
func TestOneDoor(t *testing.T) {
	doors := []struct {
		dependency string
		rooms      []string
	}{
		{"fyne.io/fyne/v2", []string{"kiosk/ui", "cmd/kiosk"}},
		{"go.bug.st/serial", []string{"rfid/port"}},
		{"go.etcd.io/bbolt", []string{"sync/ledger", "cmd/ledger"}},
		{"github.com/eclipse/paho.mqtt.golang", []string{"sync/link"}},
		{"database/sql", []string{"sync/hub/store"}},
		{"modernc.org/sqlite", []string{"sync/hub/store"}},
		{"net/http", []string{"sync/hub/web", "sync/hub/koha", "sync/hub/hook", "cmd/hub", "cmd/internal/stage"}},
		{"github.com/coreos/go-oidc/v3", []string{"sync/hub/web"}},
		{"golang.org/x/oauth2", []string{"sync/hub/web"}},
		{"github.com/wneessen/go-mail", []string{"sync/hub/alert"}},
		{"github.com/nats-io/nats-server/v2", []string{"sync/hub/broker"}},
		{"github.com/hanwen/go-fuse/v2", []string{"sync/disktest"}},
		{"github.com/Shopify/toxiproxy/v2", []string{"cmd/fleetsim"}}, // tests alone
	}
	used := make(map[string]bool)
	for _, s := range tree(t) {
		for _, name := range s.imports {
			for _, door := range doors {
				if !under(name, door.dependency) {
					continue
				}
				used[door.dependency] = true
				if !s.test && !underAny(s.dir, door.rooms) {
					t.Errorf("%s imports %s, which belongs to %s alone", s.path, name, strings.Join(door.rooms, " and "))
				}
			}
		}
	}
	for _, door := range doors {
		if sources, err := filepath.Glob("../../../" + door.rooms[0] + "/*.go"); err == nil && len(sources) > 0 && !used[door.dependency] {
			t.Errorf("nothing imports %s: its rule guards an empty room", door.dependency)
		}
	}
}

// TestPackageComments: each package says what it is exactly once.
func TestPackageComments(t *testing.T) {
	files := make(map[string][]string)
	for _, s := range tree(t) {
		if s.test {
			continue
		}
		if _, seen := files[s.dir]; !seen {
			files[s.dir] = nil
		}
		if s.doc {
			files[s.dir] = append(files[s.dir], s.path)
		}
	}
	for dir, with := range files {
		if len(with) != 1 {
			t.Errorf("%s has %d package comments (%s), want one", dir, len(with), strings.Join(with, ", "))
		}
	}
}

// TestTopFolders: the tree a newcomer meets is the one that was agreed.
func TestTopFolders(t *testing.T) {
	want := []string{"Makefile", "LICENSE", "README.md", "assets", "build", "cmd", "docs", "go.mod", "go.sum", "kiosk", "packaging", "rfid", "sync"}
	entries, err := os.ReadDir("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name[0] != '.' && !slices.Contains(want, name) {
			t.Errorf("%s lies at the top of the tree: find it a room", name)
		}
	}
	loose, err := filepath.Glob("../../../sync/*.go")
	if err != nil {
		t.Fatal(err)
	}
	if len(loose) > 0 {
		t.Errorf("%v lie directly in sync: a package of that name would shadow the standard one", loose)
	}
}
