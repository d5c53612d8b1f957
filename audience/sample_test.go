package audience_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// The vectors were made by sha256sum: printf 'spring:u1' | sha256sum begins with 7057d883,
// which is 43.88 percent of 2^32.
func TestWhoIsInAShareFollowsFromTheHash(t *testing.T) {
	for _, c := range []struct {
		salt, id string
		digits   uint32
	}{
		{"spring", "u1", 0x7057d883},
		{"spring", "u2", 0xe810d27e},
		{"", "u1", 0xb86ee3f2},
		{"autumn", "ann@example.com", 0xa82accd7},
		{"a:b", "c", 0xb0ee04f8},
		{"salz", "Zoë", 0x5d700a2e},
	} {
		share := float64(c.digits) / (1 << 32) * 100
		name := fmt.Sprintf("%s:%s", c.salt, c.id)
		require.False(t, audience.Sample{Percent: share, Salt: c.salt}.Takes(c.id), name)
		require.True(t, audience.Sample{Percent: math.Nextafter(share, 100), Salt: c.salt}.Takes(c.id), name)
		require.True(t, audience.Sample{Percent: 100, Salt: c.salt}.Takes(c.id), name)
	}
}

func TestAShareIsThatLargeAndOfOthersIndependent(t *testing.T) {
	spring, autumn := audience.Sample{Percent: 10, Salt: "spring"}, audience.Sample{Percent: 10, Salt: "autumn"}
	wider := audience.Sample{Percent: 20, Salt: "spring"}
	in, both := 0, 0
	for i := range 100_000 {
		id := fmt.Sprint("u", i)
		if !spring.Takes(id) {
			continue
		}
		require.True(t, wider.Takes(id))
		if in++; autumn.Takes(id) {
			both++
		}
	}
	require.InDelta(t, 10_000, in, 400) // four standard deviations
	require.InDelta(t, 1_000, both, 130)
}

func TestSharesThatCannotBeAreErrors(t *testing.T) {
	for _, percent := range []float64{0, -1, 100.5, math.NaN(), math.Inf(1)} {
		err := audience.Check(audience.Define("a").Members(audience.Not(audience.Share(percent, "s"))))
		require.ErrorIs(t, err, profile.ErrInvalid)
		require.ErrorContains(t, err, "where.not.sample: ")
	}
	long := make([]byte, 200)
	require.ErrorIs(t, audience.Check(audience.Define("a").Members(audience.Share(1, string(long)))), profile.ErrInvalid)
}
