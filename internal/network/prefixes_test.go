package network

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever comes and goes in any order, a name finds just those that it begins with, the
// longest first.
func TestPrefixesOfAName(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		b := make([]byte, r.IntN(5))
		for i := range b {
			b[i] = "ab\xff"[r.IntN(3)]
		}
		return string(b)
	}
	var ps prefixes
	has := map[string]bool{}
	for range 5000 {
		switch x := text(); {
		case has[x] && r.IntN(2) == 0:
			delete(has, x)
			ps = ps.remove(x)
		case !has[x]:
			has[x] = true
			ps = ps.add(x)
		}
		name := text() + text()
		var want, got []string
		for x := range has {
			if strings.HasPrefix(name, x) {
				want = append(want, x)
			}
		}
		slices.SortFunc(want, func(a, b string) int { return len(b) - len(a) })
		for p := ps.longest(name); p != nil; p = p.above {
			got = append(got, p.text)
		}
		if !slices.Equal(want, got) {
			require.Equal(t, want, got, "%q of %v", name, has)
		}
	}
}
