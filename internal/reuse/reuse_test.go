package reuse

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEmptiedKeepsTheMemoryAndLetsGoOfWhatWasInIt(t *testing.T) {
	items := []*int{new(int), new(int)}
	again := Emptied(items)
	require.Empty(t, again)
	require.Equal(t, 2, cap(again))
	require.Equal(t, []*int{nil, nil}, items, "what it pointed to can be collected")
}

func TestEmptiedLetsGoOfAGiant(t *testing.T) {
	require.Nil(t, Emptied(make([]int, 1025)))
	require.NotNil(t, Emptied(make([]int, 1024)))
}
