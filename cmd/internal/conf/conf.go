// Package conf reads the settings of the commands. Each setting of a program
// is one flag of its flag set; the same name in capitals with the program's
// prefix is an environment variable (KIOSK_BROKER for --broker), and the plain
// name is a line in the file that --config names ("broker tls://hub:8883").
// A flag beats the environment, the environment beats the file, and a name
// that no setting has is an error in all three. A flag set of several words
// ("hub import") is a part of a program: it shares the program's environment,
// and leaves the names it does not know to the other parts.
package conf

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"github.com/peterbourgon/ff/v3"
)

// Log makes lines of name=value on standard error the program's log.
func Log() { LogTo(os.Stderr) }

// LogTo makes lines of name=value, each written to w by a call of its own, the
// program's log.
func LogTo(w io.Writer) {
	slog.SetDefault(slog.New(slog.NewTextHandler(w, nil)))
}

// Parse fills set from args, the environment and the file named by --config.
// It answers flag.ErrHelp after --help has printed the table of settings.
func Parse(set *flag.FlagSet, args []string) error {
	set.String("config", "", "`file` with one setting a line: name, space, value")
	set.Init(set.Name(), flag.ContinueOnError)
	program, _, part := strings.Cut(set.Name(), " ")
	prefix := strings.ToUpper(program)
	err := ff.Parse(set, args,
		ff.WithEnvVarPrefix(prefix),
		ff.WithConfigFileFlag("config"),
		ff.WithConfigFileParser(ff.PlainParser))
	if err != nil || part {
		return err
	}
	known := make(map[string]bool)
	set.VisitAll(func(f *flag.Flag) { known[prefix+"_"+strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))] = true })
	var unknown []error
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, prefix+"_") && !known[name] {
			unknown = append(unknown, fmt.Errorf("%s in the environment is no setting of %s", name, set.Name()))
		}
	}
	return errors.Join(unknown...)
}

// Own refuses to work for root in a folder that belongs to another account: what
// root makes there, the service could not open.
func Own(folder string) error {
	info, err := os.Stat(folder)
	if err != nil || os.Geteuid() != 0 {
		return nil // one that is not there yet will be ours
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 {
		return nil
	}
	account := strconv.Itoa(int(stat.Uid))
	if u, err := user.LookupId(account); err == nil {
		account = u.Username
	}
	return fmt.Errorf("%s belongs to %s, who could not open what root makes there; say: runuser -u %s -- %s", folder, account, account, strings.Join(os.Args, " "))
}
