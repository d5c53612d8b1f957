package audience

import (
	"errors"
	"reflect"
	"testing"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// histories are what a reader may have besides.
type histories struct {
	profile.HistoryReader
	profile.HistoryScanner
}

// Every method of a store panics here, as each is one of nil.
func TestEveryMethodOfAStoreIsGuarded(t *testing.T) {
	var store struct {
		profile.Store
		histories
	}
	var snap struct {
		profile.Snapshot
		histories
	}
	var tx struct {
		profile.Tx
		histories
	}
	_, err := guard(store)
	require.ErrorContains(t, err, "store.Retention: panic: ")
	for _, guarded := range []any{
		guardedStore{guardedReader{store}, store, 0, 0},
		guardedSnapshot{guardedReader{snap}, snap},
		guardedTx{guardedReader{tx}, tx},
	} {
		v := reflect.ValueOf(guarded)
		for i := range v.NumMethod() {
			name := v.Type().Method(i).Name
			switch name {
			case "Retention", "SyncInterval": // they were asked for before
				continue
			case "Abort": // it has no error
				v.Method(i).Call(nil)
				continue
			}
			t.Run(v.Type().Name()+"."+name, func(t *testing.T) {
				require.ErrorAs(t, callZero(v.Method(i)), new(*PanicError))
			})
		}
	}
}

// callZero calls a function with zero values and returns its error, or the first
// of the iterator that it returns.
func callZero(fn reflect.Value) error {
	args := make([]reflect.Value, fn.Type().NumIn())
	for i := range args {
		args[i] = reflect.Zero(fn.Type().In(i))
	}
	var out []reflect.Value
	if fn.Type().IsVariadic() {
		out = fn.CallSlice(args)
	} else {
		out = fn.Call(args)
	}
	last := out[len(out)-1]
	if last.Kind() == reflect.Func {
		for _, err := range last.Seq2() {
			return err.Interface().(error)
		}
	}
	err, _ := last.Interface().(error)
	return err
}

// plain is a store that reads no history at once.
type plain struct{ profile.Store }

// What a store cannot is said, and a panic of who looks at its histories is not the store's.
func TestHistoriesOfAGuardedStore(t *testing.T) {
	store, err := guard(profile.NewMemStore())
	require.NoError(t, err)
	require.NoError(t, profile.Apply(t.Context(), store, profile.MinTime, &profile.PutEvent{
		Event: profile.Event{Profile: "u", Name: "A", Time: profile.MinTime}}))
	snap, err := store.Snapshot(t.Context())
	require.NoError(t, err)
	require.PanicsWithValue(t, "mine", func() {
		for lane := range profile.Lanes {
			_ = snap.(profile.HistoryScanner).ScanHistory(t.Context(), lane, func(string, *profile.History) error { panic("mine") })
		}
	})
	var h profile.History
	store, err = guard(plain{profile.NewMemStore()})
	require.NoError(t, err)
	require.ErrorIs(t, store.ReadHistory(t.Context(), "u", &h), errors.ErrUnsupported)
	err = guardedSnapshot{}.ScanHistory(t.Context(), 0, nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

func TestAPanicOfALoopOverTheStoreIsTheLoopsOwn(t *testing.T) {
	store, err := guard(profile.NewMemStore())
	require.NoError(t, err)
	require.NoError(t, profile.Apply(t.Context(), store, profile.MinTime, &profile.UseKey{Record: profile.KeyRecord{Key: "k"}}))
	require.PanicsWithValue(t, "mine", func() {
		for range store.Keys(t.Context()) {
			panic("mine")
		}
	})
}
