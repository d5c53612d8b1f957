package canonical

import (
	"fmt"
	"testing"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// Two values have the same bytes if and only if they compare as equal.
func TestEqualValuesHaveEqualBytes(t *testing.T) {
	texts := []string{
		`null`, `true`, `false`, `0`, `-0.0`, `1`, `1.0`, `1e0`, `1.5`, `-1`, `""`, `"1"`, `"a"`,
		`9007199254740993`, `9007199254740992.0`, `9223372036854775807`, `9223372036854775808`, `9.223372036854775808e18`,
		`-9223372036854775808`, `-9223372036854775808.0`, `123456789012345678901234567890`, `0.1`, `0.10`,
		`[]`, `[1]`, `[1.0]`, `[1, 2]`, `[[1], 2]`, `[[1, 2]]`, `["1"]`, `["a", "b"]`, `["ab"]`,
		`{}`, `{"a": 1}`, `{"a": 1.0}`, `{"a": 1, "b": 2}`, `{"b": 2, "a": 1}`, `{"a": {"b": 1}}`, `{"a": [1]}`, `{"ab": 1}`,
	}
	values := make([]profile.Value, len(texts))
	for i, text := range texts {
		require.NoError(t, values[i].UnmarshalJSON([]byte(text)), text)
	}
	for i, a := range values {
		for k, b := range values {
			same := string(Append(nil, a)) == string(Append(nil, b))
			if equal := a.Compare(b) == 0; same != equal {
				t.Errorf("%s and %s: equal %t, same bytes %t", texts[i], texts[k], equal, same)
			}
		}
	}
}

// The length before each part keeps lists apart whose parts run together to the same text.
func TestAppendSized(t *testing.T) {
	join := func(parts ...string) (b []byte) {
		for _, part := range parts {
			b = AppendSized(b, []byte(part))
		}
		return b
	}
	require.Equal(t, []byte("\x02ab\x01c"), join("ab", "c"))
	require.NotEqual(t, join("ab", "c"), join("a", "bc"))
	require.NotEqual(t, join(""), join())
}

func ExampleNumber() {
	fmt.Println(Number(profile.FloatValue(2)).Kind() == profile.Int, Number(profile.FloatValue(2.5)).Kind() == profile.Float)
	// Output: true true
}
