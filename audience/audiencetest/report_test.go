package audiencetest

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
)

// TestReports runs the scripts in testdata/reports, each of which has something
// wrong, and wants the report that the file of the same name has.
func TestReports(t *testing.T) {
	paths, err := filepath.Glob("testdata/reports/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			script, err := Parse(path, read(t, path))
			require.NoError(t, err)
			var b strings.Builder
			for _, f := range script.Run(context.Background(), Options{}).Failures {
				fmt.Fprintln(&b, f)
			}
			golden(t, strings.TrimSuffix(path, ".txt")+".report", b.String())
		})
	}
}

func TestUpdateRewritesWhatDiffersAndNothingElse(t *testing.T) {
	text := read(t, "testdata/update/before.txt")
	r := mustParse(t, text).Run(context.Background(), Options{})
	require.NotEmpty(t, r.Failures)
	updated := r.Updated()
	golden(t, "testdata/update/after.txt", updated)

	again := mustParse(t, updated).Run(context.Background(), Options{})
	require.Equal(t, updated, again.Updated(), "once is enough")
	require.Len(t, again.Failures, 1, "what says in or not in stays as it is")
	require.Contains(t, again.Failures[0].Message, "expect ann not in buyers")

	windows := strings.ReplaceAll(text, "\n", "\r\n")
	r = mustParse(t, windows).Run(context.Background(), Options{})
	require.Equal(t, strings.ReplaceAll(updated, "\n", "\r\n"), r.Updated())
}

func mustParse(t *testing.T, text string) *Script {
	t.Helper()
	s, err := Parse("testdata/script.txt", text)
	require.NoError(t, err)
	return s
}

func TestABadDefinitionIsAFailure(t *testing.T) {
	bad := audience.File{Audiences: []audience.Definition{audience.Define("x").Members(audience.Trait("traits.a >"))}}
	r := mustParse(t, "at day 2\n").Run(context.Background(), Options{Definitions: []audience.File{bad}})
	require.Len(t, r.Failures, 1)
	require.Contains(t, r.Failures[0].String(), `testdata/script.txt:1: create: audience "x": where.trait: 1:11: `)
}

func TestADoneContextIsAFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := mustParse(t, "track ann Visit\n").Run(ctx, Options{})
	require.Len(t, r.Failures, 1)
	require.Contains(t, r.Failures[0].Message, context.Canceled.Error())
}

// golden compares a text with a file, or writes the file with -update.
func golden(t *testing.T, path, text string) {
	t.Helper()
	if *update {
		require.NoError(t, write(path, text))
	}
	require.Equal(t, read(t, path), text)
}
