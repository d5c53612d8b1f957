package destination_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// source is an engine in the hands of a test: memberships change when the test
// says so, and callbacks come when it says so. Its profiles and their ids are
// those of a store.
type source struct {
	clock    audience.Clock
	profiles *profile.MemStore
	mu       sync.Mutex
	subs     map[string]*subscriber
	notices  []audience.Notice
	defs     []audience.Definition
	traits   []trait.Computed
	// reading is called before a member is yielded.
	reading func(profile.Membership)
	broken  error // of Snapshot and Keep
}

func newSource(keys ...string) *source {
	s := &source{clock: audience.WallClock{}, profiles: profile.NewMemStore(), subs: map[string]*subscriber{}}
	for _, key := range keys {
		s.defs = append(s.defs, audience.Definition{Key: key})
	}
	return s
}

func (s *source) Now() time.Time { return s.clock.Now() }

func (s *source) List() []audience.Definition { return s.defs }

func (s *source) ListTraits() []trait.Computed { return s.traits }

// subscriber is a durable one. A cursor in the store is all that the store has of it.
type subscriber struct {
	fn   audience.DurableCallback // nil: it is not called
	upTo uint64
}

// SubscribeDurable calls fn with what was told since it was last there.
func (s *source) SubscribeDurable(ctx context.Context, name string, fn audience.DurableCallback) (stop func(), err error) {
	s.mu.Lock()
	sub := s.subs[name]
	if sub == nil {
		sub = &subscriber{upTo: uint64(len(s.notices))}
		s.subs[name] = sub
	}
	sub.fn = fn
	s.mu.Unlock()
	if err := profile.Apply(ctx, s.profiles, start, &profile.SetCursor{Subscriber: name}); err != nil {
		return nil, err
	}
	s.deliver()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		sub.fn = nil
	}, nil
}

func (s *source) RemoveSubscriber(ctx context.Context, name string) error {
	s.mu.Lock()
	_, was := s.subs[name]
	delete(s.subs, name)
	s.mu.Unlock()
	if !was {
		return profile.ErrNotFound
	}
	return profile.Apply(ctx, s.profiles, start, &profile.SetCursor{Subscriber: name, Gone: true})
}

// CatchUp has nothing to wait for.
func (s *source) CatchUp(context.Context, string) error { return nil }

func (s *source) Keep(ctx context.Context, name string, _ uint64, records ...profile.Record) (profile.Mark, error) {
	s.mu.Lock()
	broken := s.broken
	s.mu.Unlock()
	if broken != nil {
		return 0, broken
	}
	var changes []profile.Change
	for _, r := range records {
		changes = append(changes, &profile.SetRecord{Subscriber: name, Record: r})
	}
	return 0, profile.Apply(ctx, s.profiles, start, changes...)
}

func (s *source) Durable(context.Context, profile.Mark) error { return nil }

// deliver has each subscriber called with what it was not told of.
func (s *source) deliver() {
	for {
		s.mu.Lock()
		var next *subscriber
		var n audience.Notice
		for _, sub := range s.subs {
			if sub.fn != nil && sub.upTo < uint64(len(s.notices)) {
				next, n = sub, s.notices[sub.upTo]
				sub.upTo++
				break
			}
		}
		s.mu.Unlock()
		if next == nil {
			return
		}
		if err := next.fn(context.Background(), n); err != nil {
			panic(err)
		}
	}
}

// told adds a notice, and has the subscribers called.
func (s *source) told(n audience.Notice) {
	s.mu.Lock()
	n.ID = uint64(len(s.notices)) + 1
	s.notices = append(s.notices, n)
	s.mu.Unlock()
	s.deliver()
}

func (s *source) Snapshot(ctx context.Context) (profile.Snapshot, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	snapshot, err := s.profiles.Snapshot(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	return sourceSnapshot{snapshot, s.reading}, err
}

// sourceSnapshot says when members are read.
type sourceSnapshot struct {
	profile.Snapshot
	reading func(profile.Membership)
}

func (s sourceSnapshot) Members(ctx context.Context, key, after string) iter.Seq2[profile.Membership, error] {
	return func(yield func(profile.Membership, error) bool) {
		for m, err := range s.Snapshot.Members(ctx, key, after) {
			if s.reading != nil {
				s.reading(m)
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

// named gives a user ids, and tells of it.
func (s *source) named(id string, ids ...profile.ExternalID) {
	if err := profile.Apply(context.Background(), s.profiles, start, &profile.PutIDs{Ref: profile.UserRef(id), IDs: ids}); err != nil {
		panic(err)
	}
	s.told(audience.Notice{IDChange: &audience.IDChange{Profile: profile.UserRef(id), At: start}})
}

// store changes a membership without telling anybody.
func (s *source) store(t audience.Transition) {
	ref := profile.Ref{Subject: t.Subject, ID: t.Profile}
	err := profile.Apply(context.Background(), s.profiles, start,
		&profile.PutIDs{Ref: ref, Visitor: t.Profile == "anon"},
		&profile.SetMember{
			Membership: profile.Membership{Audience: t.Audience, Ref: ref, Since: t.At},
			Member:     t.Type == audience.Entered,
		})
	if err != nil {
		panic(err)
	}
}

// tell calls the callbacks.
func (s *source) tell(t audience.Transition) {
	s.told(audience.Notice{Transition: &t})
}

// change is store and tell.
func (s *source) change(t audience.Transition) {
	s.store(t)
	s.tell(t)
}

func entered(key, id string, at time.Time) audience.Transition {
	return audience.Transition{Audience: key, Profile: id, Type: audience.Entered, At: at}
}

func exited(key, id string, at time.Time) audience.Transition {
	return audience.Transition{Audience: key, Profile: id, Type: audience.Exited, At: at}
}

// receiver is a destination that takes note of what it gets, as one that drops
// repeated messages does.
type receiver struct {
	t    *testing.T
	name string
	// fail says whether an attempt fails, and whether the batch arrives
	// nevertheless.
	fail func(b *destination.Batch) (err error, arrives bool)

	mu       sync.Mutex
	attempts int
	lines    []string // the changes that were accepted, in order
	seen     map[string]bool
	repeats  int // messages that were dropped
	members  map[string]bool
	contexts map[string]string // with which the members were told
	batches  []string          // the ids of batches, once for each attempt
	sizes    []int             // their sizes
	texts    map[string]bool   // the ids with the JSON of each batch
}

func newReceiver(t *testing.T) *receiver {
	return &receiver{t: t, name: "test", seen: map[string]bool{}, members: map[string]bool{}, contexts: map[string]string{}, texts: map[string]bool{}}
}

func (r *receiver) Type() string { return r.name }

func (r *receiver) Modes() destination.Mode {
	return destination.Identify | destination.Track | destination.Lists
}

func (r *receiver) Deliver(_ context.Context, b *destination.Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts++
	r.batches = append(r.batches, b.ID)
	r.sizes = append(r.sizes, len(b.Messages))
	text, err := b.MarshalJSON()
	if err != nil {
		return err
	}
	r.texts[b.ID+string(text)] = true
	var arrives = true
	if r.fail != nil {
		err, arrives = r.fail(b)
	}
	if arrives {
		for _, m := range b.Messages {
			r.take(m)
		}
		for _, l := range b.Lists {
			for _, m := range l.Add {
				r.lines = append(r.lines, fmt.Sprintf("%s: add %s %s", l.Audience, l.Of, m.ID))
			}
			for _, m := range l.Remove {
				r.lines = append(r.lines, fmt.Sprintf("%s: remove %s %s", l.Audience, l.Of, m.ID))
			}
		}
	}
	return err
}

// take applies one message, unless it was seen.
func (r *receiver) take(m profile.Message) {
	if r.seen[m.MessageID] {
		r.repeats++
		return
	}
	r.seen[m.MessageID] = true
	who := m.Profile()
	if m.Type == profile.Group {
		who = "account " + m.GroupID
	}
	if m.Type == profile.Track {
		r.lines = append(r.lines, fmt.Sprintf("%s: %s %s", who, m.Name, m.Properties))
		return
	}
	for key, value := range m.Traits.All() {
		in, _ := value.Bool()
		pair := who + " " + key
		if r.members[pair] == in && !(in && r.contexts[pair] != m.Context.String()) {
			r.t.Errorf("%s was told twice that it is %v", pair, in)
		}
		r.members[pair], r.contexts[pair] = in, m.Context.String()
		r.lines = append(r.lines, fmt.Sprintf("%s: %s %v", who, key, in))
	}
}

// got returns the lines since the last call.
func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	return lines
}

// in returns the pairs that are members, sorted.
func (r *receiver) in() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	pairs := []string{}
	for pair, in := range r.members {
		if in {
			pairs = append(pairs, pair)
		}
	}
	slices.Sort(pairs)
	return pairs
}

var errDown = errors.New("down")

// rig is a hub on a source by a manual clock, with one receiver.
type rig struct {
	*require.Assertions
	ctx   context.Context
	src   *source
	clock *audience.ManualClock
	hub   *destination.Hub
	to    *receiver
	errs  []error
}

func newRig(t *testing.T, keys ...string) *rig {
	r := &rig{
		Assertions: require.New(t),
		ctx:        context.Background(),
		src:        newSource(keys...),
		clock:      audience.NewManualClock(start),
		to:         newReceiver(t),
	}
	r.src.clock = r.clock
	var mu sync.Mutex
	r.hub = destination.NewHub(r.src, destination.Options{OnError: func(err error) {
		mu.Lock()
		defer mu.Unlock()
		r.errs = append(r.errs, err)
	}})
	t.Cleanup(func() {
		_ = r.hub.Close(done(context.Background()))
	})
	return r
}

func (r *rig) connect(cfg destination.Config) *destination.Connection {
	if cfg.Mode == 0 {
		cfg.Mode = destination.Identify
	}
	c, err := r.hub.Connect(r.ctx, r.to, cfg)
	r.NoError(err)
	return c
}

// sync syncs now, and returns how long after now it is due again; negative if
// nothing waits.
func (r *rig) sync() time.Duration {
	next, err := r.hub.Sync(r.ctx)
	r.NoError(err)
	if next.IsZero() {
		return -1
	}
	return next.Sub(r.clock.Now())
}

// pass moves the clock.
func (r *rig) pass(d time.Duration) time.Time {
	r.clock.Set(r.clock.Now().Add(d))
	return r.clock.Now()
}
