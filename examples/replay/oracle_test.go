package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
)

// TestShopAsTheOracleHasIt has the oracle tell all that happens in the shop,
// which works each answer out anew from the whole log, and holds what the
// program prints to it.
func TestShopAsTheOracleHasIt(t *testing.T) {
	const until = "2026-12-31T00:00:00Z"
	definitions, err := readDefinitions(builtin+"shop.json", nil)
	require.NoError(t, err)
	model := oracle.NewModel(profile.MinTime)
	var want []oracle.Notice
	do := func(at time.Time, op oracle.Operation) {
		model.Do(at, op)
		want = append(want, model.Heard()...)
	}
	do(profile.MinTime, oracle.Create{Traits: definitions.Traits, Definitions: definitions.Audiences})

	log, err := shop.Open("shop.ndjson")
	require.NoError(t, err)
	defer func() { require.NoError(t, log.Close()) }()
	for m, err := range profile.NewDecoder(log, "shop.ndjson").All() {
		require.NoError(t, err)
		for _, op := range operations(model, &m) {
			do(m.Time, op)
		}
	}
	end, err := parseTime(until)
	require.NoError(t, err)
	model.Advance(end)
	want = append(want, model.Heard()...)

	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	transitions, changes := map[audience.Cause]int{}, map[audience.Cause]int{}
	for _, n := range want {
		if n.Change != nil {
			require.NoError(t, encoder.Encode(n.Change))
			changes[n.Change.Cause]++
		} else {
			require.NoError(t, encoder.Encode(n.Transition))
			transitions[n.Transition.Cause]++
		}
	}
	got := replayed("", time.Millisecond, "-traits", "-until", until)
	require.NoError(t, got.error)
	require.Equal(t, lines.String(), got.out)

	for _, cause := range []audience.Cause{audience.CauseEvent, audience.CauseTrait, audience.CauseTime, audience.CauseMerge} {
		require.NotZero(t, transitions[cause], "the shop's log shows no transition caused by %s", cause)
		if cause != audience.CauseTrait { // the shop's traits are made of events alone
			require.NotZero(t, changes[cause], "the shop's log shows no computed trait changed by %s", cause)
		}
	}
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
