package sequence

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

type number int

func (n number) compare(m number) int { return cmp.Compare(n, m) }

func (n number) seek(all []number) (int, bool) { return slices.BinarySearch(all, n) }

// TestSortedIsASortedSet compares a list with a slice, growing to thousands of
// elements and shrinking again, at random places, at the end and at the front.
func TestSortedIsASortedSet(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var s sorted[number]
	var want []number
	check := func() {
		require.Equal(t, len(want), s.len)
		var got []number
		for _, chunk := range s.chunks {
			require.NotEmpty(t, chunk)
			require.LessOrEqual(t, len(chunk), maxChunk)
			got = append(got, chunk...)
		}
		require.Equal(t, want, got)
	}
	insert := func(n number) {
		i, found := slices.BinarySearch(want, n)
		require.Equal(t, !found, s.insert(n))
		if !found {
			want = slices.Insert(want, i, n)
		}
	}
	remove := func(n number) {
		i, found := slices.BinarySearch(want, n)
		require.Equal(t, found, s.remove(n))
		if found {
			want = slices.Delete(want, i, i+1)
		}
	}
	for round := range 6 {
		for i := range 1500 {
			switch round % 3 {
			case 0:
				insert(number(random.IntN(20_000)))
			case 1:
				insert(number(20_000*round + i))
			case 2:
				insert(number(-20_000*round - i))
			}
		}
		check()
		for range 2000 {
			n := number(random.IntN(20_000))
			i, found := slices.BinarySearch(want, n)
			_, ok := s.get(n)
			require.Equal(t, found, ok)
			e, ok := s.ceiling(n)
			require.Equal(t, i < len(want), ok)
			if ok {
				require.Equal(t, want[i], e)
			}
			e, ok = s.before(n)
			require.Equal(t, i > 0, ok)
			if ok {
				require.Equal(t, want[i-1], e)
			}
			remove(n)
		}
		last, ok := s.last()
		require.True(t, ok)
		require.Equal(t, want[len(want)-1], last)
		for range len(want) / 2 {
			remove(want[random.IntN(len(want))])
		}
		check()
		odd := func(n number) bool { return n%2 != 0 }
		s.drop(odd)
		want = slices.DeleteFunc(want, odd)
		check()
	}
	for len(want) > 0 {
		remove(want[0])
	}
	require.Zero(t, s)
	_, ok := s.last()
	require.False(t, ok)
}

func TestAgendaGivesBackTheSoonest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var a agenda[int]
	var want []int64
	for round := range 2000 {
		if at := int64(random.IntN(1000)); round < 1000 || at < 300 {
			a.push(at, int(at))
			want = append(want, at)
			slices.Sort(want)
		}
		require.Equal(t, want[0], a.next())
		if round >= 1000 || random.IntN(3) == 0 {
			top := a.pop()
			require.Equal(t, want[0], top.at)
			require.EqualValues(t, top.at, top.what)
			if want = want[1:]; len(want) == 0 {
				break
			}
		}
	}
	require.Len(t, a, len(want))
}
