package profile

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestADictionaryIsRestoredWithItsNumbers(t *testing.T) {
	d := NewDict()
	o, err := NewObject(map[string]any{"b": 1, "a": map[string]any{"c": 2.5}})
	require.NoError(t, err)
	body := o.AppendPacked(nil, d)
	restored := RestoreDict(d.Names())
	require.NoError(t, CheckPacked(body, restored))
	require.Equal(t, o.String(), PackedObject(body, restored).String())
	require.Equal(t, d.Names(), restored.Names())
	id, ok := restored.Intern("new")
	require.True(t, ok)
	require.Equal(t, uint32(len(d.Names())), id)
	require.ErrorIs(t, CheckPacked(body, nil), ErrInvalid)
}

func TestPackedBytesOfNoValueAreRefused(t *testing.T) {
	float := func(f float64) []byte {
		return binary.LittleEndian.AppendUint64([]byte{byte(Float)}, math.Float64bits(f))
	}
	digits := func(f float64, text string) []byte {
		b := binary.LittleEndian.AppendUint64([]byte{byte(digitsKind)}, math.Float64bits(f))
		return append(append(b, byte(len(text))), text...)
	}
	require.NoError(t, CheckPacked(append([]byte{3, 'k'}, digits(1e19, "9999999999999999999")...), nil))
	for name, b := range map[string][]byte{
		"nothing":                    {},
		"no kind":                    {byte(digitsKind) + 1},
		"an integer without its end": {byte(Int), 0x80},
		"half a float":               float(1)[:5],
		"not a number":               float(math.NaN()),
		"infinity":                   float(math.Inf(-1)),
		"digits that are none":       digits(0, ""),
		"digits of another number":   digits(1e19, "9999999999999999998"[:18]),
		"digits that an integer has": digits(7, "7"),
		"digits with a fraction":     digits(1.5, "1.5"),
		"digits that are letters":    digits(0, "x"),
		"a text beyond the end":      {byte(String), 2, 'x'},
		"a text that is not UTF-8":   {byte(String), 1, 0xff},
		"a list of half a value":     {byte(List), 1, byte(Int)},
		"a key beyond the end":       {byte(Map), 2, 9, 'k'},
		"a key that is not UTF-8":    {byte(Map), 3, 3, 0xff, byte(Null)},
		"a key of no dictionary":     {byte(Map), 2, 2, byte(Null)},
	} {
		_, _, err := PackedValue(b, nil)
		require.ErrorIs(t, err, ErrInvalid, name)
	}
}

// Whatever bytes pass as packed can be read; and what was packed passes.
func FuzzPackedBytesAreCheckedBeforeTheyAreRead(f *testing.F) {
	d := NewDict()
	for _, text := range []string{
		`{}`, `{"a":1,"b":[1,2.5,"x",null,true],"c":{"d":{"e":"f"}}}`, `{"n":123456789012345678901234567890}`,
	} {
		o, err := ParseObject([]byte(text))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(o.AppendPacked(nil, d))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if CheckPacked(body, d) == nil {
			o := PackedObject(body, d)
			_, err := ParseValue([]byte(o.String()))
			require.NoError(t, err)
			require.Equal(t, o.Len() > 0, len(body) > 0)
			require.Zero(t, o.Value().Compare(o.Value()))
		}
		if v, size, err := PackedValue(body, d); err == nil {
			require.LessOrEqual(t, size, len(body))
			again, err := ParseValue([]byte(v.String()))
			require.NoError(t, err)
			if v.Kind() != List && v.Kind() != Map { // the keys of a map may be out of order, or twice
				require.Zero(t, v.Compare(again))
			}
		}
	})
}
