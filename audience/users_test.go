package audience_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/profile"
)

func TestSharesOfUsersAreExactInDecimal(t *testing.T) {
	holds := func(percent float64, meet, users int) bool {
		return network.Quantifier{Of: network.AtLeastPercent, N: int64(math.Round(percent * network.PercentUnit))}.Holds(users, meet)
	}
	for percent := range 100_000 { // thousandths
		share := float64(percent+1) / 1000
		require.True(t, holds(share, percent+1, 100_000), share)
		require.False(t, holds(share, percent, 100_000), share)
	}
	require.False(t, holds(1e-6, 0, 0), "no users")
	require.True(t, holds(100, math.MaxInt32, math.MaxInt32))
	require.False(t, holds(100, math.MaxInt32-1, math.MaxInt32))
}

func TestNumbersOfUsersThatCannotBeAreErrors(t *testing.T) {
	in := audience.Performed("E")
	n := in.Node()
	for name, of := range map[string]audience.Users{
		"nothing":             {},
		"no number":           {Where: &n},
		"no condition":        {AtLeast: 2},
		"both numbers":        {Where: &n, AtLeast: 1, AtLeastPercent: 1},
		"a number of any":     {Any: &n, AtLeast: 1},
		"a percentage of all": {All: &n, AtLeastPercent: 1},
		"fewer than none":     audience.AtLeastUsers(-1, in),
		"too many":            audience.AtLeastUsers(network.MaxCount+1, in),
		"less than nobody":    audience.AtLeastPercentOfUsers(-1, in),
		"more than all":       audience.AtLeastPercentOfUsers(100.1, in),
		"no number at all":    audience.AtLeastPercentOfUsers(math.NaN(), in),
		"seven decimals":      audience.AtLeastPercentOfUsers(0.0000001, in),
	} {
		err := audience.Check(audience.Define("a").OfAccounts().Members(audience.Not(of)))
		require.ErrorIs(t, err, profile.ErrInvalid, name)
		require.ErrorContains(t, err, "where.not.users: ", name)
	}
}
