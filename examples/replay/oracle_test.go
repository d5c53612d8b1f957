package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
)

// TestShopAsTheOracleHasIt has the oracle tell the shop's transitions, which
// works each answer out anew from the whole log, and holds what the program
// prints to it. All but the audience of a computed trait: the oracle has none.
func TestShopAsTheOracleHasIt(t *testing.T) {
	const until, leftOut = "2026-12-31T00:00:00Z", "top_customers"
	definitions, err := readDefinitions(builtin+"shop.json", nil)
	require.NoError(t, err)
	audiences := slices.DeleteFunc(definitions.Audiences, func(d audience.Definition) bool { return d.Key == leftOut })
	model := oracle.NewModel(profile.MinTime)
	want := model.Do(profile.MinTime, oracle.Create{Definitions: audiences})

	log, err := shop.Open("shop.ndjson")
	require.NoError(t, err)
	defer func() { require.NoError(t, log.Close()) }()
	for m, err := range profile.NewDecoder(log, "shop.ndjson").All() {
		require.NoError(t, err)
		for _, op := range operations(model, &m) {
			want = append(want, model.Do(m.Time, op)...)
		}
	}
	end, err := parseTime(until)
	require.NoError(t, err)
	want = append(want, model.Advance(end)...)

	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	causes := map[audience.Cause]int{}
	for _, tr := range want {
		require.NoError(t, encoder.Encode(tr))
		causes[tr.Cause]++
	}
	got := replayed("", time.Millisecond, "-until", until)
	require.NoError(t, got.error)
	require.Equal(t, lines.String(), without(got.out, `"audience":"`+leftOut+`"`))

	for _, cause := range []audience.Cause{audience.CauseEvent, audience.CauseTrait, audience.CauseTime, audience.CauseMerge} {
		require.NotZero(t, causes[cause], "the shop's log shows no transition caused by %s", cause)
	}
}

// without returns the lines of text that part is not in.
func without(text, part string) string {
	var rest strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains(line, part) {
			rest.WriteString(line)
		}
	}
	return rest.String()
}

// operations returns what a message means to the oracle, which knows no
// messages. A group call changes nothing for the users of these audiences.
func operations(model *oracle.Model, m *profile.Message) []oracle.Operation {
	id := m.Profile()
	var ops []oracle.Operation
	if m.UserID != "" && m.AnonymousID != "" && model.Resolve(m.AnonymousID) == m.AnonymousID {
		ops = append(ops, oracle.Merge{From: m.AnonymousID, Into: id})
	}
	switch m.Type {
	case profile.Identify:
		ops = append(ops, oracle.Identify{Profile: id, Traits: m.Traits, Time: m.Time, MessageID: m.MessageID})
	case profile.Alias:
		ops = append(ops, oracle.Merge{From: m.PreviousID, Into: id})
	case profile.Track, profile.Page, profile.Screen:
		ops = append(ops, oracle.Track{Event: profile.Event{
			Profile: id, Name: m.Name, Time: m.Time, MessageID: m.MessageID,
			Account: m.GroupID, Properties: m.Properties, Context: m.Context,
		}})
	}
	return ops
}
