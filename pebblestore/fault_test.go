package pebblestore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/muster-go/muster/pebblestore"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// faults are errors of file operations: of one, or of all from one on.
type faults struct {
	n       atomic.Int64
	at      int64 // 0: none
	lasting bool
	err     error
}

func (f *faults) maybe(op errorfs.Op) error {
	n := f.n.Add(1)
	if f.at != 0 && (n == f.at || f.lasting && n > f.at) {
		return fmt.Errorf("%v of %s: %w", op.Kind, op.Path, f.err)
	}
	return nil
}

// faultRun makes batches on a store whose file operations fail, until one fails, and looks
// at it again without faults: it returns how many operations there were.
func faultRun(t *testing.T, states [][]string, f *faults) (operations int64) {
	ctx := context.Background()
	disk := vfs.NewMem()
	fs := errorfs.Wrap(disk, errorfs.InjectorFunc(f.maybe))
	made, durable, failed := 0, 0, false
	s, err := pebblestore.Open("store", pebblestore.Options{FS: fs, CacheBytes: 1 << 20, SweepInterval: -1})
	if err == nil {
		rng, c := rand.New(rand.NewPCG(1, 1)), newChanges(9)
		for i := 0; i < len(states)-1 && !failed; i++ {
			err := profile.Apply(ctx, s, c.now, faultBatch(rng, c)...)
			if err == nil || errors.Is(err, pebblestore.ErrFailed) { // then nobody knows
				made++
			}
			if err == nil {
				if err = s.Durable(ctx, profile.Mark(1<<60)); err == nil {
					durable = made
				}
			}
			failed = err != nil
			if !failed && i%5 > 0 {
				continue
			}
			if got, reading := dump(s); reading == nil && !errors.Is(err, pebblestore.ErrFailed) {
				require.Equal(t, states[made], got, "a wrong answer after %v", err)
			}
		}
		if err := s.Close(); err != nil {
			failed = true
		}
	}
	operations = f.n.Load()
	s, err = pebblestore.Open("store", pebblestore.Options{FS: disk, CacheBytes: 1 << 20, SweepInterval: -1})
	require.NoError(t, err, "after %v", f.err)
	sound(t, s)
	got, err := dump(s)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(states[durable:made+1], func(want []string) bool { return slices.Equal(want, got) }),
		"fault at %d, %d batches of which %d stay", f.at, made, durable)
	if !failed {
		require.Equal(t, states[made], got)
	}
	require.NoError(t, s.Close())
	return operations
}

func faultBatch(rng *rand.Rand, c *changes) []profile.Change {
	return append(c.batch(), large(rng, "large", 60<<10))
}

func lines(t *testing.T, r profile.Reader) []string {
	list, err := dump(r)
	require.NoError(t, err)
	return list
}

// Whatever operation on files fails: it is an error, or has no effect. What Durable has
// returned of is there afterwards.
func TestAFailedFileOperationIsAnErrorOrNothing(t *testing.T) {
	memory := profile.NewMemStore()
	states := [][]string{lines(t, memory)} // after each batch
	rng, c := rand.New(rand.NewPCG(1, 1)), newChanges(9)
	for range 24 {
		batch := faultBatch(rng, c)
		require.NoError(t, profile.Apply(t.Context(), memory, c.now, batch...))
		states = append(states, lines(t, memory))
	}
	all := faultRun(t, states, &faults{})
	rng = rand.New(rand.NewPCG(5, 5))
	for i := range 60 {
		f := &faults{at: 1 + rng.Int64N(all), lasting: i%2 == 0, err: syscall.EIO}
		if i%3 == 0 {
			f.err = syscall.ENOSPC
		}
		t.Run(fmt.Sprint(f.at, " of ", all, " ", f.lasting, " ", f.err), func(t *testing.T) { faultRun(t, states, f) })
	}
}
