package audiencetest

import (
	"context"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite what the scripts under testdata expect")

// sections are those of SPEC.md that say what audiences and computed traits do.
// Destinations, the Profile API and CSV are tested in their own packages.
var sections = []string{"data", "time", "conditions", "funnel", "accounts", "computed_traits", "life", "json"}

// TestSpec runs the readable specification on the engine and on the oracle.
func TestSpec(t *testing.T) {
	counts := map[string]int{}
	for _, path := range specScripts(t) {
		section := filepath.Base(filepath.Dir(path))
		counts[section]++
		t.Run(section+"/"+strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text := read(t, path)
			require.NotEmpty(t, quotes(text), "%s: want the sentence of SPEC.md that it shows at its beginning, after # >", path)
			script, err := Parse(path, text)
			require.NoError(t, err)

			p, err := newPlayer(context.Background(), path, script.start, newRival(t, script.start))
			require.NoError(t, err)
			defer func() { require.NoError(t, p.engine.Close()) }()
			r := &Result{script: script, updates: map[int]command{}}
			r.run(context.Background(), p)
			if *update {
				require.NoError(t, write(path, r.Updated()))
			}
			for _, f := range r.Failures {
				t.Error(f)
			}
			require.NotEmpty(t, r.Checks, "%s expects nothing", path)
		})
	}
	total := 0
	for _, section := range sections {
		require.Positive(t, counts[section], "no script for section %s", section)
		t.Logf("%-16s %3d", section, counts[section])
		total += counts[section]
		delete(counts, section)
	}
	require.Empty(t, counts, "scripts of unknown sections")
	t.Logf("%-16s %3d", "all", total)
}

// TestSpecIsQuoted holds what the scripts quote to SPEC.md, where that is at hand.
func TestSpecIsQuoted(t *testing.T) {
	spec, err := os.ReadFile("../../../shared/SPEC.md")
	if err != nil {
		t.Skip("there is no SPEC.md beside the repository")
	}
	words := strings.Join(strings.Fields(string(spec)), " ")
	for _, path := range specScripts(t) {
		for _, quote := range quotes(read(t, path)) {
			require.Contains(t, words, quote, path)
		}
	}
}

// quotes returns what the comment that begins a script quotes: runs of lines
// after "# >".
func quotes(text string) []string {
	var found []string
	running := false
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		quote, is := strings.CutPrefix(line, "# >")
		quote = strings.Join(strings.Fields(quote), " ")
		switch {
		case is && running:
			found[len(found)-1] += " " + quote
		case is:
			found = append(found, quote)
		}
		running = is
	}
	return found
}

func specScripts(t testing.TB) []string {
	t.Helper()
	var paths []string
	require.NoError(t, filepath.WalkDir("testdata/spec", func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".txt" {
			paths = append(paths, path)
		}
		return err
	}))
	slices.Sort(paths)
	return paths
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func write(path, text string) error { return os.WriteFile(path, []byte(text), 0o644) }
