// Package storetest is the conformance suite of profile.Store. A store passes
// it, or the engine's answers on it are not to be trusted:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T, retention time.Duration) profile.Store {
//			return mystore.Open(t.TempDir(), retention)
//		})
//	}
//
// Each subtest is named for a sentence of the interface's documentation. The
// last ones compare the store with a model made of slices and maps, over
// seeded random changes of all kinds; a failure names the seed. Run the suite
// with -race: part of it is concurrent.
package storetest
