package profile

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Stores keep lanes: a change of the function would lose wakes.
func TestLanesStayTheSame(t *testing.T) {
	for id, lane := range map[string]int{"": 0, "u1": 17, "user-0001": 20, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6": 7} {
		require.Equal(t, lane, Lane(id), "%q", id)
	}
}

func TestLanesAreEven(t *testing.T) {
	for _, form := range []string{"%d", "u%d", "user-%08d", "%x@example.com", "%032x"} {
		var n [Lanes]int
		for i := range 32_000 {
			n[Lane(fmt.Sprintf(form, i))]++
		}
		for lane := range n {
			require.InDelta(t, 1000, n[lane], 300, "%s, lane %d", form, lane)
		}
	}
}

func BenchmarkLane(b *testing.B) {
	for b.Loop() {
		_ = Lane("user-00012345")
	}
}
