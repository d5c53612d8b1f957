package profile

import (
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
			if o.String() == "" || len(o.AppendPacked(nil, NewDict())) == 0 && len(body) > 0 {
				t.Fatal("an object of nothing")
			}
		}
		if v, size, err := PackedValue(body, d); err == nil {
			if size > len(body) || v.String() == "" {
				t.Fatal("a value of nothing")
			}
		}
	})
}
