package sequence_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/sequence"
	"github.com/muster-go/muster/profile"
)

func TestFiltersAreCompiled(t *testing.T) {
	for want, f := range map[string]funnel.Funnel{
		"steps[0].where: ": funnel.Start("a", "A").Where("properties.x =="),
		// A later step, the step itself, and one that did not happen have no event.
		"steps[1].where: ": funnel.Start("a", "A").Followed("b", "B").Where("steps.c.properties.x == 1").Followed("c", "C"),
		"steps[2].where: ": funnel.Start("a", "A").NotFollowed("b", "B").Within(1).Followed("c", "C").Where("steps.b.properties.x == 1"),
	} {
		require.NoError(t, f.Validate())
		_, err := sequence.CompileAlone(f)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "1:")
	}
}

func TestWhichFunnelsAreBounded(t *testing.T) {
	key := "properties.k == steps.a.properties.k"
	for _, c := range []struct {
		name    string
		f       funnel.Funnel
		bounded bool
	}{
		{"no references", funnel.Start("a", "A").Followed("b", "B").Where("properties.x > 1"), false},
		{"one key", funnel.Start("a", "A").Followed("b", "B").Where(key + " && properties.x > 1"), false},
		{"one key, by way of another step", funnel.Start("a", "A").Followed("b", "B").Where(key).
			NotFollowed("c", "C").Within(1).Where(`steps.b.properties["k"] == properties.l`), false},
		{"two keys", funnel.Start("a", "A").Followed("b", "B").Where(key + " && properties.l == steps.a.properties.l"), false},
		{"an inequality beside the key", funnel.Start("a", "A").Followed("b", "B").Where(key + " && properties.x > steps.a.properties.x"), true},
		{"equality in a disjunction", funnel.Start("a", "A").Followed("b", "B").Where(key + " || properties.x > 1"), true},
		{"a step without the key", funnel.Start("a", "A").Followed("b", "B").Followed("c", "C").Where(key), true},
		{"equal by an absence alone", funnel.Start("a", "A").Followed("b", "B").
			NotFollowed("c", "C").Within(1).Where(key + " && properties.k == steps.b.properties.k"), true},
		{"a time", funnel.Start("a", "A").Followed("b", "B").Where("timestamp > steps.a.timestamp"), true},
	} {
		m, err := sequence.CompileAlone(c.f)
		require.NoError(t, err, c.name)
		require.Equal(t, c.bounded, m.Bounded(), c.name)
	}
}

// TestBeyondTheBoundNothingFalseIsSaid has more orders than are kept: whether
// the old view was followed by one of its price is not known any more.
func TestBeyondTheBoundNothingFalseIsSaid(t *testing.T) {
	m, err := sequence.CompileAlone(funnel.Start("viewed", "View").
		NotFollowed("ordered", "Order").Within(profile.Day).Pending().Where("properties.price >= steps.viewed.properties.price"))
	require.NoError(t, err)
	s := m.NewState()
	add := func(name string, at time.Duration, price int) {
		e := product(t, name, 1, price)
		e.Time = second(0).Add(at)
		s.Add(&e, sequence.Traits{}, second(1e6).UnixNano())
	}
	at := func() bool { return s.At(second(1e6).UnixNano()).True }
	add("View", 0, 100)
	for i := range sequence.MaxCandidates {
		add("Order", time.Duration(i+1), 50)
	}
	require.True(t, at())
	require.False(t, s.Limited())
	add("Order", sequence.MaxCandidates+1, 50)
	require.False(t, at())
	require.True(t, s.Limited())
	add("View", sequence.MaxCandidates+1, 100)
	require.True(t, at(), "of this view all orders after it are known")
}

// TestOldestAreLeftOut has more views than are kept, in and out of order.
func TestOldestAreLeftOut(t *testing.T) {
	m, err := sequence.CompileAlone(ever(cheaper))
	require.NoError(t, err)
	for _, order := range []int{1, 7, 100} { // of the views, a step through all
		s := m.NewState()
		const n = sequence.MaxCandidates + 1
		for i := range n {
			which := i * order % n
			price := 100
			if which == 0 {
				price = 1000
			}
			e := product(t, "View", which, price)
			e.Time = second(which)
			s.Add(&e, sequence.Traits{}, second(n).UnixNano())
		}
		e := product(t, "Order", 1, 500)
		e.Time = second(n)
		s.Add(&e, sequence.Traits{}, second(n).UnixNano())
		require.False(t, s.At(second(n).UnixNano()).True)
		require.True(t, s.Limited())
	}
}

// TestWhatHasLeftTheWindowIsNotMissed has more events than are kept, but never
// as many in the window.
func TestWhatHasLeftTheWindowIsNotMissed(t *testing.T) {
	m, err := sequence.CompileAlone(cheaper.WithWindow(profile.Within(time.Minute)))
	require.NoError(t, err)
	s := m.NewState()
	for i := range 5 * sequence.MaxCandidates {
		e := product(t, "View", 1, 10)
		e.Time = second(i)
		s.Add(&e, sequence.Traits{}, second(i).UnixNano())
	}
	require.False(t, s.Limited())
}

// TestStateIsEmptyOnceAllHasLeftTheWindow is what lets an engine drop it.
func TestStateIsEmptyOnceAllHasLeftTheWindow(t *testing.T) {
	for _, f := range []funnel.Funnel{bought, abandoned, cheaper} {
		m, err := sequence.CompileAlone(f)
		require.NoError(t, err)
		week := int(profile.Week / time.Second)
		s := m.NewState()
		add := func(name string, which, at, now int) {
			e := product(t, name, which, 100)
			e.Time = second(at)
			s.Add(&e, sequence.Traits{}, second(now).UnixNano())
		}
		require.True(t, s.Empty())
		require.Equal(t, horizon.Always(false), s.At(second(0).UnixNano()))
		require.Nil(t, s.Evidence())
		require.True(t, s.Empty())

		add("Other", 1, 0, 0)
		add("View", 1, 0, week)
		require.True(t, s.Empty(), "no step, or over before it was known")

		for i := range 100 {
			add("View", i, week+i, week+10)
			require.False(t, s.Empty(), "dated after now they are known as well")
		}
		s.At(second(2*week + 98).UnixNano())
		require.False(t, s.Empty())
		require.Equal(t, horizon.Always(false), s.At(second(2*week+99).UnixNano()))
		require.True(t, s.Empty())
	}
}

// TestWhatHoldsForEverIsNotEmpty has a funnel that nothing undoes: whatever
// comes, its state is the choice that was found.
func TestWhatHoldsForEverIsNotEmpty(t *testing.T) {
	m, err := sequence.CompileAlone(ever(bought))
	require.NoError(t, err)
	s := m.NewState()
	for i := range 100 {
		for _, name := range []string{"View", "Order"} {
			e := product(t, name, i%10, 100)
			e.Time, e.Seq = second(2*i), uint64(i)
			if name == "Order" {
				e.Time = second(2*i + 1)
			}
			s.Add(&e, sequence.Traits{}, second(1000).UnixNano())
		}
		require.Equal(t, horizon.Always(true), s.At(second(1000).UnixNano()))
		require.False(t, s.Empty())
		require.Equal(t, []sequence.Matched{{Step: "viewed", Time: second(0)}, {Step: "ordered", Time: second(1)}}, s.Evidence())
	}
}

// TestAnOpenStepTakesAtMost100Bytes holds the figure of the package comment.
func TestAnOpenStepTakesAtMost100Bytes(t *testing.T) {
	for _, f := range []funnel.Funnel{bought, abandoned} {
		m, err := sequence.CompileAlone(f)
		require.NoError(t, err)
		for _, open := range []int{1, 2, 3, 4, 5, 8, 10, 16, 32, 33, 40, 100, 129, 1000} {
			bytes := float64(statesWithOpen(t, m, 20_000/open+100, open)) / float64((20_000/open+100)*open)
			require.LessOrEqual(t, bytes, 100.0, "%d open", open)
		}
	}
}

// TestSearchGivesUp has four steps that only the whole of all choices of kept
// events could refute.
func TestSearchGivesUp(t *testing.T) {
	m, err := sequence.CompileAlone(funnel.Start("a", "A").Followed("b", "B").Followed("c", "C").
		Followed("d", "D").Where("properties.price == steps.a.properties.price + steps.b.properties.price + steps.c.properties.price"))
	require.NoError(t, err)
	s := m.NewState()
	add := func(name string, i, price int) {
		e := product(t, name, 1, price)
		e.Time = second(i)
		s.Add(&e, sequence.Traits{}, second(i).UnixNano())
		s.At(second(i).UnixNano())
	}
	for i := range 3 * sequence.MaxCandidates {
		add(string(rune('A'+i/sequence.MaxCandidates)), i, 2*i)
	}
	require.False(t, s.Limited(), "without a D there is nothing to search")
	start := time.Now()
	add("D", 1000, 999)
	require.False(t, s.At(second(1000).UnixNano()).True)
	require.True(t, s.Limited())
	require.Less(t, time.Since(start), 5*time.Second)
}

func TestMissedTellsWhichFilters(t *testing.T) {
	first := funnel.Start("a", "A").Where("properties.x > 1").Followed("b", "A").Where("properties.price > 1")
	for cel, want := range map[string]uint64{
		"properties.x == 1":                                    0b101,
		"properties.price > 1 && properties.x == 1":            0b101,
		"properties.price > steps.a.properties.x":              0b001, // depends on the choice
		"properties.price > 9 && steps.a.properties.x == 1":    0b001, // false whatever is chosen
		"properties.x == steps.a.properties.x && properties.y": 0b001,
	} {
		m, err := sequence.CompileAlone(first.Followed("c", "A").Where(cel))
		require.NoError(t, err)
		e := product(t, "A", 1, 5)
		e.Time = second(1)
		require.Equal(t, want, m.NewState().Add(&e, sequence.Traits{}, second(1).UnixNano()), cel)
		e.Name = "B"
		require.Zero(t, m.NewState().Add(&e, sequence.Traits{}, second(1).UnixNano()))
	}
	m, err := sequence.CompileAlone(funnel.Start("a", "A").Followed("b", "A").Where("properties.x == steps.a.properties.x"))
	require.NoError(t, err)
	e := product(t, "A", 1, 5)
	e.Time = second(1)
	require.EqualValues(t, 0b11, m.NewState().Add(&e, sequence.Traits{}, second(1).UnixNano()), "no x: equal to no other")
}

func TestAccountTraits(t *testing.T) {
	m, err := sequence.CompileAlone(funnel.Start("a", "A").
		Followed("b", "A").Where("account.traits.price > steps.a.properties.price && traits.price > 1"))
	require.NoError(t, err)
	s := m.NewState()
	for i := range 2 {
		e := product(t, "A", 1, 5)
		e.Time = second(i)
		rich := product(t, "", 1, 10*i)
		s.Add(&e, sequence.Traits{User: &rich.Properties, Account: &rich.Properties}, second(9).UnixNano())
	}
	require.True(t, s.At(second(9).UnixNano()).True)
}

func TestFunnelIsCanonical(t *testing.T) {
	one, err := sequence.CompileAlone(funnel.Start("a", "A").Where("properties.x==1"))
	require.NoError(t, err)
	two, err := sequence.CompileAlone(funnel.Start("a", "A").Where(" properties.x  ==  1 "))
	require.NoError(t, err)
	require.Equal(t, one.Funnel(), two.Funnel())
	require.True(t, one.Takes("A"))
	require.False(t, one.Takes("B"))
	for step, filter := range one.Filters() {
		require.Zero(t, step)
		require.Equal(t, one.Funnel().Steps[0].Filter, filter.Source())
	}
}

// FuzzJSON checks that what is read is written the same, that what is valid
// compiles or says where it does not, and that nothing panics.
func FuzzJSON(f *testing.F) {
	f.Add(`{"window":{"within":"30d"},"steps":[{"name":"a","event":"A"},{"name":"b","event":"B","where":"properties.x == steps.a.properties.x","within":"7d","not":true,"pending":false}]}`)
	f.Add(`{"steps":[{"name":"a","event":"A","where":"has(properties.x) && properties.y.exists(y, y == 1)"}]}`)
	f.Add(`{"steps":[{"name":"a","event":"A"},{"name":"b","event":"A","where":"context.x in steps.a.properties || steps.a.timestamp < timestamp"}]}`)
	f.Add(`{"steps":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		var read, again funnel.Funnel
		if json.Unmarshal([]byte(text), &read) != nil || read.Validate() != nil {
			return
		}
		written, err := json.Marshal(read)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(written, &again))
		require.Equal(t, read, again)
		m, err := sequence.CompileAlone(read)
		if err != nil {
			var at *funnel.Error
			require.ErrorAs(t, err, &at)
			return
		}
		s := m.NewState()
		for i, step := range read.Steps {
			e := product(t, step.Event, 1, i)
			e.Time = second(i)
			s.Add(&e, sequence.Traits{}, second(i).UnixNano())
			s.At(second(i).UnixNano())
		}
	})
}

// ever returns a funnel without its window.
func ever(f funnel.Funnel) funnel.Funnel {
	f.Window = profile.Window{}
	return f
}
