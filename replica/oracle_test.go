package replica_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/replica"
	"github.com/muster-go/muster/replica/logtest"
	"github.com/stretchr/testify/require"
)

// newStore returns a store that forgets no message, as the oracle does not.
func newStore(context.Context, int) (profile.Store, error) {
	return profile.NewMemStore(profile.WithDuplicateMemory(10 * 365 * profile.Day)), nil
}

// foretold returns what the oracle has to tell of a log, whose records are those of steps
// and ticks of owners between them. It numbers nothing, and knows nothing of ids.
func foretold(steps []step, records []replica.Record) (lines []string) {
	model := oracle.NewModel(epoch.Add(-1))
	for _, r := range records {
		if len(steps) > 0 && bytes.Equal(r.Body, steps[0].body) {
			if op := steps[0].op; op != nil {
				model.Do(r.Time, op)
				lines = append(lines, heard(model)...)
			}
			steps = steps[1:]
		}
		if strings.HasPrefix(string(r.Body), `!{"op":"tick"`) {
			model.Advance(r.Time)
			lines = append(lines, heard(model)...)
		}
	}
	return lines
}

func heard(model *oracle.Model) (lines []string) {
	for _, n := range model.Heard() {
		if n.Change != nil {
			lines = append(lines, n.Change.String())
		} else {
			lines = append(lines, n.Transition.String())
		}
	}
	return lines
}

// withoutIDs returns lines of a reference as the oracle has them.
func withoutIDs(lines []string) (kept []string) {
	for _, line := range lines {
		if _, text, _ := strings.Cut(line, " "); !strings.Contains(text, " has other ids at ") {
			kept = append(kept, text)
		}
	}
	return kept
}

// recordsOf returns the log that steps make.
func recordsOf(steps []step) (records []replica.Record) {
	for i, s := range steps {
		records = append(records, replica.Record{Number: uint64(i) + 1, Time: s.at, Body: s.body})
	}
	return records
}

// What the workers are held to, one engine in one process, is itself held to the oracle.
func TestOneEngineTellsWhatTheOracleTells(t *testing.T) {
	for seed := range uint64(*histories / 10) {
		steps := generate(seed, 40)
		store, err := newStore(t.Context(), 0)
		require.NoError(t, err)
		got, err := logtest.Reference(t.Context(), store, recordsOf(steps), nil)
		require.NoError(t, err)
		want := foretold(steps, recordsOf(steps))
		if got := withoutIDs(got); strings.Join(want, "\n") != strings.Join(got, "\n") {
			require.Equal(t, strings.Join(want, "\n"), strings.Join(got, "\n"), "seed %d:\n%s", seed, script(steps))
		}
	}
}

// script returns a history for people.
func script(steps []step) string {
	var b strings.Builder
	for i, s := range steps {
		fmt.Fprintf(&b, "%d +%s %s\n", i+1, s.at.Sub(epoch), s.body)
	}
	return b.String()
}
