package profile

import (
	"cmp"
	"encoding/json"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

// A whole number beyond int64 keeps its digits: it is equal to itself alone, in
// lists and maps too, and as large as the nearest float64.
func TestWholeNumbersKeepTheirDigits(t *testing.T) {
	for _, tt := range []struct {
		text string
		own  bool // it has other digits than a float64
	}{
		{"9223372036854775807", false}, {"9223372036854775808", true}, {"-9223372036854775808", false}, {"-9223372036854775809", true},
		{"18446744073709551615", true}, {"18446744073709551616", true}, {"18446744073709551617", true}, {"100000000000000000000", false},
		{"123456789012345678901234567890", true}, {"-98765432109876543210", true},
	} {
		t.Run(tt.text, func(t *testing.T) {
			r := require.New(t)
			v, err := ParseValue([]byte(tt.text))
			r.NoError(err)
			digits, own := v.Digits()
			r.Equal(tt.own, own)
			if own {
				r.Equal(tt.text, string(digits))
				r.Equal(tt.text, v.String())
				r.Equal(Float, v.Kind())
				r.Equal(json.Number(tt.text), v.Any())
			}
			want, _, err := big.ParseFloat(tt.text, 10, 53, big.ToNearestEven)
			r.NoError(err)
			f, _ := v.Float()
			nearest, _ := want.Float64()
			r.Equal(nearest, f)
			dict := NewDict()
			o, err := NewObject(map[string]any{"a": v, "b": []any{v, 1, map[string]any{"c": v}}, "d": json.Number(tt.text)})
			r.NoError(err)
			again := PackedObject(o.AppendPacked(nil, dict), dict)
			r.True(again.Value().Equal(o.Value()))
			r.Equal(o.String(), again.String())
			for _, key := range []string{"a", "d"} {
				w, _ := again.Get(key)
				r.True(w.Equal(v))
			}
			read, err := ParseValue([]byte(o.String()))
			r.NoError(err)
			r.True(read.Equal(o.Value()))
			text, isText := v.Text()
			r.False(isText)
			r.Empty(text)
			r.Equal(tt.text, textOfID(v))
		})
	}
	u, err := NewValue(uint64(18446744073709551615))
	require.NoError(t, err)
	require.Equal(t, "18446744073709551615", u.String())
}

func TestNumbersWithDigitsAreOrderedBySizeAndThenDigits(t *testing.T) {
	ascending := []string{
		"-18446744073709551617", "-18446744073709551615", "-9223372036854775809", "-9223372036854775808", "0", "9223372036854775807", "9223372036854775808",
		"9223372036854775809", "18446744073709551615", "18446744073709551616", "18446744073709552000.0", "123456789012345678901234567890",
	}
	for i, a := range ascending {
		for j, b := range ascending {
			v, err := ParseValue([]byte(a))
			require.NoError(t, err)
			w, err := ParseValue([]byte(b))
			require.NoError(t, err)
			require.Equal(t, cmp.Compare(i, j), v.Compare(w), "%s and %s", a, b)
			require.Equal(t, i == j, v.Equal(w))
		}
	}
}
