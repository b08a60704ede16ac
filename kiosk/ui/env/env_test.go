package env

import (
	"maps"
	"testing"
)

func TestName(t *testing.T) {
	for title, test := range map[string]struct{ env, want map[string]string }{
		"nothing set":      {nil, map[string]string{"LC_MESSAGES": "en"}},
		"a plain machine":  {map[string]string{"LANG": "C.UTF-8"}, map[string]string{"LC_MESSAGES": "en"}},
		"a Finnish one":    {map[string]string{"LANG": "fi_FI.UTF-8"}, map[string]string{}},
		"all plain":        {map[string]string{"LC_ALL": "C.UTF-8", "LANG": "fi_FI.UTF-8"}, map[string]string{"LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LC_MESSAGES": "en"}},
		"all Swedish":      {map[string]string{"LC_ALL": "sv_FI.UTF-8", "LANG": "C"}, map[string]string{}},
		"plain messages":   {map[string]string{"LC_MESSAGES": "C", "LANG": "fi_FI.UTF-8"}, map[string]string{"LC_MESSAGES": "en"}},
		"Finnish messages": {map[string]string{"LC_MESSAGES": "fi_FI.UTF-8", "LANG": "C"}, map[string]string{}},
	} {
		got := map[string]string{}
		name(func(name string) string { return test.env[name] }, func(name, value string) error {
			got[name] = value
			return nil
		})
		if !maps.Equal(got, test.want) {
			t.Errorf("%s: sets %v, want %v", title, got, test.want)
		}
	}
}
