package selector

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
)

func TestSelectorsTakeAndSayWhatTheyTake(t *testing.T) {
	for _, tc := range []struct {
		of       Selector
		takes    []string
		takesNot []string
		text     string
	}{
		{Of("A", nil, "", false), []string{"A"}, []string{"", "a", "AB"}, `"A"`},
		{Of("", []string{"C", "A"}, "", false), []string{"A", "C"}, []string{"B", ""}, `"A" or "C"`},
		{Of("", nil, "Order ", false), []string{"Order ", "Order Placed"}, []string{"Order", "order Placed"}, `an event "Order …"`},
		{Of("", nil, "", true), []string{"", "A"}, nil, "any event"},
		{Selector{}, nil, []string{"", "A"}, ""},
	} {
		for _, name := range tc.takes {
			require.True(t, tc.of.Takes(name), "%s: %q", tc.text, name)
		}
		for _, name := range tc.takesNot {
			require.False(t, tc.of.Takes(name), "%s: %q", tc.text, name)
		}
		require.Equal(t, tc.text, tc.of.String())
	}
	one, alone := Of("A", nil, "", false), Of("", []string{"A"}, "", false)
	require.True(t, one.Equal(&alone))
	require.Equal(t, one.Text(), alone.Text())
	prefix, all := Of("", nil, "A", false), Of("", nil, "", true)
	require.False(t, one.Equal(&prefix))
	require.NotEqual(t, prefix.Text(), all.Text())
}

func TestSelectorsThatCannotBe(t *testing.T) {
	for _, tc := range []struct {
		name   string
		names  []string
		prefix string
		all    bool
		path   string
	}{
		{path: "event"},
		{name: "A", all: true, path: "any"},
		{name: "A", names: []string{"B"}, path: "names"},
		{names: []string{"B"}, prefix: "B", path: "prefix"},
		{names: []string{"B", ""}, path: "names[1]"},
		{names: []string{"B", "A", "B"}, path: "names[2]"},
		{names: make([]string, MaxNames+1), path: "names"},
		{prefix: "\xff", path: "prefix"},
		{name: strings.Repeat("x", profile.MaxID+1), path: "event"},
	} {
		err := Validate("event", tc.name, tc.names, tc.prefix, tc.all)
		var at *strictjson.Error
		require.True(t, errors.As(err, &at), "%+v", tc)
		require.Equal(t, tc.path, at.Path)
	}
	require.NoError(t, Validate("event", "", []string{"A", "B"}, "", false))
}
