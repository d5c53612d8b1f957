package sequence

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/canonical"
	"github.com/muster-go/muster/profile"
)

func TestKeysAreEqualWhereValuesAre(t *testing.T) {
	var values []profile.Value
	for _, plain := range []any{
		nil, true, false, 0, math.Copysign(0, -1), 1, 1.0, 1.5, -1, 1e300, 1 << 53, 1<<53 + 1, float64(1 << 53), int64(1<<63 - 1), 0x1p63,
		"", "a", "a\x00", "1", "true", strings.Repeat("x", 12), strings.Repeat("x", 13), strings.Repeat("x", 14), strings.Repeat("x", 15), strings.Repeat("x", 16), strings.Repeat("x", 1000),
		[]any{}, []any{1}, []any{1.0}, []any{1, 2}, []any{[]any{1}, 2}, []any{"1"}, []any{nil}, []any{"ab", "c"}, []any{"a", "bc"},
		map[string]any{}, map[string]any{"a": 1}, map[string]any{"a": 1.0}, map[string]any{"a": []any{1}}, map[string]any{"b": 1}, map[string]any{"a": nil},
	} {
		v, err := profile.NewValue(plain)
		require.NoError(t, err)
		values = append(values, v)
	}
	for _, v := range values {
		k := keyOf(canonical.Append(nil, v))
		require.NotZero(t, k)
		for _, w := range values {
			other := keyOf(canonical.Append(nil, w))
			require.Equal(t, v.Equal(w), k == other, "%v and %v", v, w)
			require.Equal(t, k == other, k.compare(other) == 0)
			require.Equal(t, k.compare(other), -other.compare(k))
		}
	}
}
