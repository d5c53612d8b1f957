package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// result is what a run of the program did.
type result struct {
	status   int
	out, err string
}

// ran runs the program. Its watch shows a time that is a millisecond later at each look.
func ran(stdin string, args ...string) result {
	return ranSlowly(context.Background(), stdin, time.Millisecond, args...)
}

// ranSlowly runs the program with a watch that is a step later at each look; one of a
// second and more has a terminal.
func ranSlowly(ctx context.Context, stdin string, step time.Duration, args ...string) result {
	var out, errs bytes.Buffer
	now := time.Unix(0, 0)
	status := run(ctx, args, streams{
		in: strings.NewReader(stdin), out: &out, err: &errs, terminal: step >= time.Second,
		now: func() time.Time { now = now.Add(step); return now },
	})
	return result{status, out.String(), errs.String()}
}

// golden compares what a run did with a file of testdata.
func golden(t *testing.T, name string, args []string, got result) {
	t.Helper()
	text := fmt.Sprintf("$ muster %s\n%s-- standard error --\n%s-- status %d --\n", strings.Join(args, " "), got.out, got.err, got.status)
	path := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}

// file writes a file of the test and returns its path.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// Every command on real input, as a user would run it in the folder testdata.
func TestCommands(t *testing.T) {
	const (
		folder = "../../../examples/replay/"
		shop   = " -definitions " + folder + "shop.json -events " + folder + "shop.ndjson"
	)
	t.Chdir("testdata")
	for name, line := range map[string]string{
		"help":                "help",
		"replay":              "replay" + shop,
		"replay_traits":       "replay -quiet -traits -until 2026-04-01" + shop,
		"replay_help":         "help replay",
		"test":                "test -v FOLDER/shop.json right.txt",
		"test_wrong":          "test FOLDER/shop.json right.txt wrong.txt",
		"test_json":           "test -json FOLDER/shop.json right.txt wrong.txt",
		"test_coverage":       "test -coverage company.json right.txt FOLDER/shop.json",
		"check":               "check FOLDER/shop.json next.json -events FOLDER/shop.ndjson",
		"catalog":             "catalog -events FOLDER/shop.ndjson",
		"check_catalog":       "check mistakes.json -catalog shop.catalog.json",
		"error_catalog_both":  "check mistakes.json -catalog shop.catalog.json -events FOLDER/shop.ndjson",
		"check_mistakes":      "check mistakes.json -events FOLDER/shop.ndjson -retention 90d",
		"check_json":          "check -json mistakes.json -events FOLDER/shop.ndjson --disable unknown-event,never-true --disable negated-missing",
		"explain":             "explain loyal ann" + shop,
		"explain_not":         "explain gold cho -until 2026-01-20" + shop,
		"explain_json":        "explain -json loyal ann" + shop,
		"explain_account":     "explain active_firms acme -definitions company.json -events company.ndjson",
		"explain_user":        "explain active_firms ben -user -definitions company.json -events company.ndjson",
		"preview":             "preview loyal" + shop,
		"preview_estimate":    "preview loyal -sample 0 -profiles 5 -seed 1" + shop,
		"backtest":            "backtest loyal -from 2026-02-01 -step 14d" + shop,
		"backtest_json":       "backtest loyal -json -from 2026-02-01 -to 2026-02-08 -step 1w" + shop,
		"backtest_accounts":   "backtest active_firms -from 2026-01-01 -step 12h -definitions company.json -events company.ndjson",
		"due":                 "due -within 30d" + shop,
		"due_json":            "due loyal -json -within 30d" + shop,
		"preview_json":        "preview loyal -json -sample 1" + shop,
		"plan":                "plan FOLDER/shop.json next.json",
		"plan_counted":        "plan FOLDER/shop.json next.json -delete -events FOLDER/shop.ndjson",
		"plan_json":           "plan company.json company.json -json",
		"plan_check":          "plan company.json next.json -check",
		"plan_nothing":        "plan company.json company.json -check",
		"export":              "export loyal" + shop,
		"export_columns":      "export total_revenue -as columns" + shop,
		"export_rows":         "export loyal -as rows -no-header" + shop,
		"export_hashed":       "export loyal -as single -id-type email -platform any" + shop,
		"export_raw":          "export loyal -as single -id-type email -raw" + shop,
		"export_per_user":     "export active_firms -per-user -definitions company.json -events company.ndjson",
		"fmt":                 "fmt next.json",
		"fmt_check":           "fmt -check next.json FOLDER/shop.json",
		"completion_of_names": "--generate-shell-completion",
		"completion_of_flags": "fmt - --generate-shell-completion",

		"error_no_command":       "reply",
		"error_no_such_command":  "frobnicate",
		"error_flag":             "replay -evens x",
		"error_flags_missing":    "replay -events FOLDER/shop.ndjson",
		"error_argument":         "replay x" + shop,
		"error_arguments":        "explain loyal" + shop,
		"error_no_file":          "replay -definitions none.json -events FOLDER/shop.ndjson",
		"error_no_log":           "replay -definitions FOLDER/shop.json -events none.ndjson",
		"error_not_definitions":  "check company.ndjson",
		"error_log_is_none":      "preview loyal -definitions FOLDER/shop.json -events next.json",
		"error_log_is_none_skip": "preview loyal -skip-bad -definitions FOLDER/shop.json -events next.json",
		"error_until":            "replay -until soon" + shop,
		"error_form":             "replay -format heap" + shop,
		"error_both_stdin":       "replay -definitions - -events -",
		"error_no_audience":      "explain royal ann" + shop,
		"error_no_profile":       "explain loyal nobody" + shop,
		"error_backtest_from":    "backtest loyal -from never" + shop,
		"error_backtest_step":    "backtest loyal -from 2026-02-01 -step 0d" + shop,
		"error_due":              "due loyals" + shop,
		"error_preview":          "preview loyal -sample -2" + shop,
		"error_no_script":        "test FOLDER/shop.json",
		"error_scripts":          "test none.json none.txt bad.txt",
		"error_rule":             "check FOLDER/shop.json -disable no-such-rule",
		"error_retention":        "check FOLDER/shop.json -retention 90",
		"error_retention_zero":   "check FOLDER/shop.json -retention 0s",
		"error_plan_kind":        "plan FOLDER/shop.json company_of_users.json",
		"error_plan_stdin":       "plan - -",
		"error_export":           "export royal" + shop,
		"error_export_form":      "export loyal -as xml" + shop,
		"error_export_platform":  "export loyal -platform x -as single -id-type email" + shop,
		"error_export_id_type":   "export loyal -as single" + shop,
		"error_fmt":              "fmt -w -check FOLDER/shop.json",
		"error_fmt_stdin":        "fmt -w -",
		"error_schema":           "schema x",
	} {
		t.Run(name, func(t *testing.T) {
			args := strings.Fields(strings.ReplaceAll(line, "FOLDER/", folder))
			got := ran("", args...)
			want := statusDone
			if strings.HasPrefix(name, "error_") {
				want = statusFailed
				require.Empty(t, got.out)
				require.True(t, strings.HasPrefix(got.err, "muster: ") || strings.Contains(got.err, "\nmuster: "), got.err)
			}
			if got.status != statusFound {
				require.Equal(t, want, got.status, got.err)
			}
			t.Chdir("..")
			golden(t, name, args, got)
		})
	}
}
