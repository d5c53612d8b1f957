package profile_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func TestEventValidate(t *testing.T) {
	valid := profile.Event{Profile: "u", Name: "Order Completed", Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	require.NoError(t, valid.Validate())

	long := strings.Repeat("x", profile.MaxID+1)
	for name, c := range map[string]struct {
		change func(e *profile.Event)
		want   error
		says   string
	}{
		"no profile":          {func(e *profile.Event) { e.Profile = "" }, profile.ErrInvalid, "profile id is empty"},
		"no name":             {func(e *profile.Event) { e.Name = "" }, profile.ErrInvalid, "event name is empty"},
		"no time":             {func(e *profile.Event) { e.Time = time.Time{} }, profile.ErrTime, "zero"},
		"long profile":        {func(e *profile.Event) { e.Profile = long }, profile.ErrTooLarge, "profile id of 1025 bytes"},
		"long message id":     {func(e *profile.Event) { e.MessageID = long }, profile.ErrTooLarge, "message id"},
		"group id not UTF-8":  {func(e *profile.Event) { e.Account = "\xff" }, profile.ErrInvalid, "group id is not valid UTF-8"},
		"before the calendar": {func(e *profile.Event) { e.Time = profile.MinTime.Add(-1) }, profile.ErrTime, "1899"},
		"after the calendar":  {func(e *profile.Event) { e.Time = profile.MaxTime }, profile.ErrTime, "2200"},
	} {
		t.Run(name, func(t *testing.T) {
			e := valid
			c.change(&e)
			err := e.Validate()
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestEventValidateTakesTheBounds(t *testing.T) {
	id := strings.Repeat("x", profile.MaxID)
	for _, at := range []time.Time{profile.MinTime, profile.MaxTime.Add(-1)} {
		e := profile.Event{Profile: id, Name: id, MessageID: id, Account: id, Time: at}
		require.NoError(t, e.Validate())
	}
}

func TestTraitWritesOrderByTimeThenArrivalThenValue(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ordered := []profile.TraitWrite{
		{Time: at, MessageID: "b", Value: profile.IntValue(1)}, // its arrival is not known
		{Time: at, MessageID: "a", Value: profile.IntValue(2)},
		{Time: at, MessageID: "b", Value: profile.IntValue(9), Seq: 8},
		{Time: at, MessageID: "a", Value: profile.IntValue(1), Seq: 9},
		{Time: at.Add(1), MessageID: "a", Value: profile.Value{}, Seq: 6},
	}
	for i, w := range ordered {
		for k, x := range ordered {
			require.Equal(t, sign(i-k), w.Compare(x), "%d, %d", i, k)
		}
	}
	elsewhere := ordered[0]
	elsewhere.Time = at.In(time.FixedZone("", 3600))
	require.Zero(t, ordered[0].Compare(elsewhere), "an instant is one in every zone")
	require.True(t, slices.IsSortedFunc(ordered, profile.TraitWrite.Compare))
}

func sign(n int) int { return min(max(n, -1), 1) }

func TestSubjectsAndRefs(t *testing.T) {
	require.Equal(t, "user", profile.User.String())
	require.Equal(t, "account", profile.Account.String())
	require.NotEqual(t, profile.UserRef("7"), profile.AccountRef("7"))
}
