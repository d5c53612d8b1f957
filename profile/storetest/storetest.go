package storetest

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// Run tests the store that open returns. It opens many, each empty and with
// the retention asked for, and closes them.
func Run(t *testing.T, open func(t *testing.T, retention time.Duration) profile.Store) {
	for _, group := range []struct {
		name  string
		cases []testCase
	}{
		{"events", eventCases},
		{"retention", retentionCases},
		{"traits", traitCases},
		{"profiles", profileCases},
		{"merge", mergeCases},
		{"delete", deleteCases},
		{"accounts", accountCases},
		{"audiences", audienceCases},
		{"computed values", valueCases},
		{"holders", holderCases},
		{"histories", historyCases},
		{"keys", keyCases},
		{"wakes", wakeCases},
		{"outbox", outboxCases},
		{"exports", exportCases},
		{"apply", applyCases},
		{"transactions", txCases},
		{"snapshots", snapshotCases},
		{"iterators", iteratorCases},
		{"close and context", closeCases},
		{"concurrency", concurrencyCases},
		{"limits", limitCases},
		{"model", modelCases},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) {
					s := open(t, c.retention)
					t.Cleanup(func() { _ = s.Close() }) // an error if the case closed it
					c.run(&harness{T: t, store: s, now: start, open: func() profile.Store {
						s := open(t, c.retention)
						t.Cleanup(func() { _ = s.Close() })
						return s
					}})
				})
			}
		})
	}
}

type testCase struct {
	name      string
	retention time.Duration
	run       func(h *harness)
}

// start is the engine's instant at the beginning of each case.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// harness is one case under way.
type harness struct {
	*testing.T
	store profile.Store
	now   time.Time
	open  func() profile.Store // another one
}

func (h *harness) ctx() context.Context { return h.T.Context() }

// apply makes changes that must succeed.
func (h *harness) apply(batch ...profile.Change) {
	h.Helper()
	require.NoError(h, profile.Apply(h.ctx(), h.store, h.now, batch...))
}

// begin begins a transaction that must be let.
func (h *harness) begin(refs ...profile.Ref) profile.Tx {
	h.Helper()
	tx, err := h.store.Begin(h.ctx(), h.now, refs...)
	require.NoError(h, err)
	return tx
}

// enter makes changes, first the profiles that get a membership or a value.
func (h *harness) enter(batch ...profile.Change) {
	h.Helper()
	for _, c := range batch {
		switch c := c.(type) {
		case *profile.SetMember:
			h.apply(&profile.PutIDs{Ref: c.Membership.Ref})
		case *profile.SetValue:
			h.apply(&profile.PutIDs{Ref: c.Value.Ref})
		}
	}
	h.apply(batch...)
}

// refused makes changes that must fail with target.
func (h *harness) refused(target error, batch ...profile.Change) {
	h.Helper()
	require.ErrorIs(h, profile.Apply(h.ctx(), h.store, h.now, batch...), target)
}

// event is an event of the given age at start. Its message id may be empty.
func event(user, name, messageID string, age time.Duration) *profile.PutEvent {
	return &profile.PutEvent{Event: profile.Event{
		Profile: user, Name: name, MessageID: messageID, Time: start.Add(-age),
	}}
}

// traits is an identify call of the given age at start.
func traits(ref profile.Ref, messageID string, age time.Duration, json string) *profile.PutTraits {
	return &profile.PutTraits{Ref: ref, MessageID: messageID, Time: start.Add(-age), Traits: object(json)}
}

// member makes a profile a member of an audience.
func member(audience string, ref profile.Ref) *profile.SetMember {
	return &profile.SetMember{Membership: profile.Membership{Audience: audience, Ref: ref, Since: start}, Member: true}
}

// value gives a profile a value of a computed trait, null none.
func value(key string, ref profile.Ref, v any) *profile.SetValue {
	packed, err := profile.NewValue(v)
	if err != nil {
		panic(err) // the suite's mistake, not the store's
	}
	return &profile.SetValue{Value: profile.ComputedValue{Key: key, Ref: ref, Value: packed, Since: start}}
}

// object parses JSON of the suite's own.
func object(json string) profile.Object {
	o, err := profile.ParseObject([]byte(json))
	if err != nil {
		panic(err) // the suite's mistake, not the store's
	}
	return o
}

// all collects what an iterator yields, which must be no error.
func all[T any](h *harness, seq iter.Seq2[T, error]) []T {
	h.Helper()
	list, err := collect(seq)
	require.NoError(h, err)
	return list
}

// collect collects what an iterator yields up to an error.
func collect[T any](seq iter.Seq2[T, error]) (list []T, err error) {
	for item, e := range seq {
		if e != nil {
			err = e
			continue // the suite checks elsewhere that nothing follows
		}
		list = append(list, item)
	}
	return list, err
}

// messageIDs returns those of a user's events of a name, in their order.
func (h *harness) messageIDs(user, name string) []string {
	h.Helper()
	return h.messageIDsOf(h.store, user, name)
}

func (h *harness) messageIDsOf(r profile.Reader, user, name string) []string {
	h.Helper()
	var ids []string
	for _, e := range all(h, r.Events(h.ctx(), user, name, time.Time{})) {
		ids = append(ids, e.MessageID)
	}
	return ids
}

// resolve returns the id under which a profile is kept, and whether it exists.
func (h *harness) resolve(ref profile.Ref) (string, bool) {
	h.Helper()
	id, exists, err := h.store.Resolve(h.ctx(), ref)
	require.NoError(h, err)
	return id, exists
}
