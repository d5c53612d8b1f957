package profile

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// setValue sets the value of the computed trait "k" of the user "u".
func setValue(t *testing.T, s *MemStore, v Value) {
	t.Helper()
	require.NoError(t, Apply(t.Context(), s, storeTestStart,
		&SetValue{ComputedValue{Key: "k", Ref: UserRef("u"), Value: v, Since: storeTestStart}}))
}

// valueOf returns the only value of the user "u".
func valueOf(t *testing.T, r Reader) Value {
	t.Helper()
	list, err := r.ValuesOf(t.Context(), UserRef("u"))
	require.NoError(t, err)
	require.Len(t, list, 1)
	return list[0].Value
}

func TestAValueThatFitsCostsNoMoreThanItsTransaction(t *testing.T) {
	s := NewMemStore()
	putAt(t, s, "m", 0)
	for name, v := range map[string][2]Value{
		"int":    {IntValue(1), IntValue(1 << 40)},
		"float":  {FloatValue(1.5), FloatValue(-2.25)},
		"string": {StringValue("a longer text"), StringValue("a short one")},
		"kinds":  {FloatValue(1.5), BoolValue(true)},
	} {
		change := &SetValue{ComputedValue{Key: "k", Ref: UserRef("u"), Since: storeTestStart}}
		batch := []Change{change}
		none := testing.AllocsPerRun(100, func() {
			if err := Apply(t.Context(), s, storeTestStart, &SetValue{ComputedValue{Key: "none", Ref: UserRef("u"), Since: storeTestStart}}); err != nil {
				t.Error(err)
			}
		}) - 1 // the change
		i := 0
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
			change.Value.Value = v[i%2]
			i++
			if err := Apply(t.Context(), s, storeTestStart.Add(time.Duration(i)), batch...); err != nil {
				t.Error(err)
			}
		}), none, name)
		require.True(t, v[(i-1)%2].Equal(valueOf(t, s)), name)
	}
}

func TestValueIsNotWrittenOverWhatASnapshotSees(t *testing.T) {
	s := NewMemStore()
	putAt(t, s, "m", 0)
	setValue(t, s, StringValue("first"))
	bytesOf := func() *byte { return &stored(t, s, "u").values()[0].packed[0] }
	first := bytesOf()
	setValue(t, s, StringValue("other"))
	require.Same(t, first, bytesOf(), "no snapshot")

	snap, err := s.Snapshot(t.Context())
	require.NoError(t, err)
	putAt(t, s, "n", 1) // copies the record, not the value's bytes
	require.Same(t, first, bytesOf())
	setValue(t, s, StringValue("third"))
	second := bytesOf()
	require.NotSame(t, first, second)
	require.True(t, StringValue("other").Equal(valueOf(t, snap)))
	setValue(t, s, StringValue("forth"))
	require.Same(t, second, bytesOf(), "the snapshot does not see the new bytes")
	require.True(t, StringValue("other").Equal(valueOf(t, snap)))
	require.NoError(t, snap.Close())
	require.True(t, StringValue("forth").Equal(valueOf(t, s)))
}

func TestSmallValueFreesTheBytesOfALargeOne(t *testing.T) {
	s := NewMemStore()
	putAt(t, s, "m", 0)
	setValue(t, s, StringValue(strings.Repeat("x", 10_000)))
	setValue(t, s, IntValue(1))
	require.LessOrEqual(t, cap(stored(t, s, "u").values()[0].packed), maxIdle)
}

func TestRecordWithoutValuesHoldsNone(t *testing.T) {
	s := NewMemStore()
	putAt(t, s, "m", 0)
	setValue(t, s, Value{})
	require.Nil(t, stored(t, s, "u").computed)
	setValue(t, s, IntValue(1))
	setValue(t, s, Value{})
	require.Nil(t, stored(t, s, "u").computed)
}
