package near_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/near"
)

func TestTheNearestNameIsFound(t *testing.T) {
	for _, test := range []struct{ word, names, want string }{
		{"at_lest", "at_least at_most exactly", "at_least"},
		{"atleast", "at_least at_most exactly", "at_least"},
		{"at_leats", "at_least at_most exactly", "at_least"},
		{"exacty", "at_least at_most exactly", "exactly"},
		{"ORDER_COMPLETED", "order_complete OrderCompleted", "OrderCompleted"},
		{"Order Compelted", "Order_Completed Order_Cancelled", "Order_Completed"},
		{"totla", "total tax", "total"},
		{"bestellung", "Bestellungen", "Bestellungen"},
		{"größe", "Größen", "Größen"},
		{"wher", "there here where", "where"}, // there and here are as near as none: 2 edits
		{"house", "mouse horse", "horse"},     // of two the first in sort order
		{"next", "within between", ""},
		{"and", "any all not", ""}, // three letters are too few to have one wrong
		{"total", "total totals", ""},
		{"", "a", ""},
		{"_", "- a", ""},
		{"a", "", ""},
	} {
		for range 2 { // in any order
			names := strings.Fields(test.names)
			rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
			got, ok := near.Name(test.word, slices.Values(names))
			require.Equal(t, test.want, got, test.word)
			require.Equal(t, test.want != "", ok, test.word)
		}
	}
}

// TestEveryEditWithinTheLimitIsNear holds the search along the diagonal to the
// words that edits make.
func TestEveryEditWithinTheLimitIsNear(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		name := []rune("abcdefghijkl")
		edits := 1 + random.IntN(3)
		word := slices.Clone(name)
		for range edits {
			i := random.IntN(len(word))
			switch random.IntN(3) {
			case 0:
				word = slices.Delete(word, i, i+1)
			case 1:
				word = slices.Insert(word, i, rune('m'+random.IntN(10)))
			case 2:
				word[i] = rune('m' + random.IntN(10))
			}
		}
		if string(word) == string(name) || (len(word)-1)/3 < edits {
			continue
		}
		got, ok := near.Name(string(word), slices.Values([]string{string(name)}))
		require.True(t, ok, string(word))
		require.Equal(t, string(name), got)
	}
}
