package audiencetest

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDiff(t *testing.T) {
	equal := func(a, b string) bool { return a == b || a == "?" } // ? is anything
	for _, c := range []struct{ want, found, edits string }{
		{"", "", ""},
		{"abc", "abc", " a b c"},
		{"abc", "", "-a-b-c"},
		{"", "abc", "+a+b+c"},
		{"abd", "acd", " a-b+c d"},
		{"ab", "ba", "-a b+a"},
		{"a?c", "abc", " a b c"},
		{"?", "ab", " a+b"},
		{"abcab", "cabba", "-a-b c a b+b+a"},
	} {
		var got strings.Builder
		for _, e := range diff(letters(c.want), letters(c.found), equal) {
			got.WriteString(string(e.text(strings.Clone)[0]) + e.line)
		}
		require.Equal(t, c.edits, got.String(), "%q, %q", c.want, c.found)
	}
}

// What is kept and missing is what was expected, what is kept and added what was
// found, each in its order; and no more is kept than can be.
func TestDiffIsOfBothAndAsShortAsCanBe(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func() []string {
		text := make([]byte, rng.IntN(8))
		for i := range text {
			text[i] = "abc"[rng.IntN(3)]
		}
		return letters(string(text))
	}
	equal := func(a, b string) bool { return a == b }
	for range 5000 {
		want, found := random(), random()
		var expected, was []string
		n := 0
		for _, e := range diff(want, found, equal) {
			if e.kind != added {
				expected = append(expected, e.line)
			}
			if e.kind != missing {
				require.Equal(t, e.line, found[e.found])
				was = append(was, e.line)
			}
			if e.kind == kept {
				n++
			}
		}
		require.Equal(t, strings.Join(want, ""), strings.Join(expected, ""))
		require.Equal(t, strings.Join(found, ""), strings.Join(was, ""))
		require.Equal(t, longest(want, found), n, "%q, %q", want, found)
	}
}

// longest is the length of the longest common subsequence, by trying all.
func longest(a, b []string) int {
	switch {
	case len(a) == 0 || len(b) == 0:
		return 0
	case a[0] == b[0]:
		return 1 + longest(a[1:], b[1:])
	}
	return max(longest(a[1:], b), longest(a, b[1:]))
}

func letters(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "")
}

// Of what is as expected only the surroundings of a difference are shown.
func TestDiffTextLeavesOutWhatIsLong(t *testing.T) {
	equal := func(a, b string) bool { return a == b }
	text := func(want, found string) string {
		return strings.Join(diffText(diff(letters(want), letters(found), equal), strings.Clone), "|")
	}
	require.Equal(t, "  (2 lines as expected)|  1|  2|  3|  4|  5|- x|  1|  2|  3|  4|  5|  (3 lines as expected)", text("ab12345x12345abc", "ab1234512345abc"))
	require.Equal(t, "- x|  1|  2|  3|  4|  5|  6|  7|  8|  9|  a|  b|- y", text("x123456789aby", "123456789ab"))
	require.Equal(t, "- x|  1|  2|  3|  4|  5|  (2 lines as expected)|  8|  9|  a|  b|  c|+ y", text("x123456789abc", "123456789abcy"))
	require.Equal(t, "  a|- x|  b", text("axb", "ab"))
}
