package audience

import (
	"reflect"
	"testing"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// Every method of a store panics here, as each is one of nil.
func TestEveryMethodOfAStoreIsGuarded(t *testing.T) {
	var store struct{ profile.Store }
	var snap struct{ profile.Snapshot }
	var tx struct{ profile.Tx }
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
