package celtext

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnd(t *testing.T) {
	for _, of := range []struct{ a, b, want string }{
		{"", "", ""},
		{"a", "", "a"},
		{"", "b", "b"},
		{"a", "b", "(a) && (b)"},
		{"a || b", "c ? d : e", "(a || b) && (c ? d : e)"},
	} {
		require.Equal(t, of.want, And(of.a, of.b))
	}
}
