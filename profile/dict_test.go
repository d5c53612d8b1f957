package profile

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInternGivesAKeyOneNumber(t *testing.T) {
	d := NewDict()
	a, ok := d.Intern("a")
	require.True(t, ok)
	b, ok := d.Intern("b")
	require.True(t, ok)
	require.NotEqual(t, a, b)
	again, ok := d.Intern("a")
	require.True(t, ok)
	require.Equal(t, a, again)
	require.Equal(t, "b", d.name(b))
}

func TestAFullDictionaryKeepsKeysInline(t *testing.T) {
	d := NewDict()
	for i := range dictLimit {
		ok := false
		for range dictOften {
			_, ok = d.Intern(fmt.Sprintf("key%04d", i))
		}
		require.True(t, ok)
	}
	_, ok := d.Intern("one more")
	require.False(t, ok)
	_, ok = d.Intern("key0007")
	require.True(t, ok, "a key it holds is found")

	o, err := ParseObject([]byte(`{"key4095":1,"one more":2}`))
	require.NoError(t, err)
	stored := PackedObject(o.AppendPacked(nil, d), d)
	for name, want := range map[string]int64{"key4095": 1, "one more": 2} {
		v, ok := stored.Lookup(d.Key(name))
		require.True(t, ok)
		require.Equal(t, want, v.Any())
		require.Equal(t, name, d.Key(name).String())
	}
}

func TestInternIsSafeForConcurrentUse(t *testing.T) {
	d := NewDict()
	var wg sync.WaitGroup
	ids := make([][100]uint32, 4)
	for g := range ids {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 100 {
				ids[g][i], _ = d.Intern(fmt.Sprint("key", i))
			}
		}()
	}
	wg.Wait()
	for i := range 100 {
		require.Equal(t, fmt.Sprint("key", i), d.name(ids[0][i]))
		for g := range ids {
			require.Equal(t, ids[0][i], ids[g][i])
		}
	}
}

// A sender who invents a name for every event takes no place from names that are used.
func TestInventedKeysDoNotFillTheDictionary(t *testing.T) {
	d := NewDict()
	for i := range 100_000 {
		d.Intern(fmt.Sprint("invented", i))
	}
	require.Less(t, len(d.state.Load().names), dictLimit/2)
	for range dictOften {
		d.Intern("total")
	}
	_, ok := d.Intern("total")
	require.True(t, ok, "one that is used often enough gets its number")
}
