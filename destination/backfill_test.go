package destination_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/profile"
)

// What happens while the members are read is neither lost nor doubled: not if
// the iterator read ahead, not if callbacks come late.
func TestBackfillBesideTransitions(t *testing.T) {
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	for name, tt := range map[string]struct {
		before []audience.Transition // stored and told before Connect
		late   []audience.Transition // stored before it, and told after
		during []audience.Transition // stored and told while members are read
		want   []string
	}{
		"nothing happens": {
			before: []audience.Transition{entered("a", "u", at(1))},
			want:   []string{"u: a true"},
		},
		"a member that is read ahead exits": {
			before: []audience.Transition{entered("a", "u", at(1))},
			during: []audience.Transition{exited("a", "u", at(2))},
		},
		"and enters again": {
			before: []audience.Transition{entered("a", "u", at(1))},
			during: []audience.Transition{exited("a", "u", at(2)), entered("a", "u", at(3))},
			want:   []string{"u: a true"},
		},
		"one enters who was not read": {
			before: []audience.Transition{entered("a", "u", at(1))},
			during: []audience.Transition{entered("a", "v", at(2))},
			want:   []string{"v: a true", "u: a true"},
		},
		"the callback of a member that is read comes late": {
			late: []audience.Transition{entered("a", "u", at(1))},
			want: []string{"u: a true"},
		},
		"those of a member that came and went and came": {
			late: []audience.Transition{entered("a", "u", at(1)), exited("a", "u", at(2)), entered("a", "u", at(3))},
			want: []string{"u: a true"},
		},
		"those of one who went": {
			before: []audience.Transition{entered("a", "u", at(1))},
			late:   []audience.Transition{exited("a", "u", at(2))},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "a")
			r.src.store(entered("a", "aaa", start)) // so that there is a during
			for _, tr := range tt.before {
				r.src.change(tr)
			}
			for _, tr := range tt.late {
				r.src.store(tr)
			}
			r.src.reading = func(m profile.Membership) {
				if m.Ref.ID == "aaa" {
					for _, tr := range tt.during {
						r.src.change(tr)
					}
				}
			}
			r.connect(destination.Config{})
			for _, tr := range tt.late {
				r.src.tell(tr)
				r.sync() // the worst moment
			}
			r.sync()
			r.ElementsMatch(append([]string{"aaa: a true"}, tt.want...), r.to.got())
			r.Zero(r.to.repeats)
		})
	}
}

func TestConnectIsUndoneByAnError(t *testing.T) {
	r := newRig(t, "a")
	ctx, cancel := context.WithCancel(r.ctx)
	r.src.store(entered("a", "u", start))
	r.src.reading = func(profile.Membership) { cancel() }
	_, err := r.hub.Connect(ctx, r.to, destination.Config{Mode: destination.Identify})
	r.ErrorIs(err, context.Canceled)
	r.Empty(r.hub.Connections())

	r.src.reading = nil
	broken := brokenSource{r.src}
	_, err = destination.NewHub(broken, destination.Options{}).Connect(r.ctx, r.to, destination.Config{Mode: destination.Identify})
	r.ErrorIs(err, errDown)
	r.connect(destination.Config{})
	r.sync()
	r.Equal([]string{"u: a true"}, r.to.got())
}

type brokenSource struct{ *source }

func (s brokenSource) Snapshot(ctx context.Context) (profile.Snapshot, error) {
	snapshot, err := s.source.Snapshot(ctx)
	return brokenSnapshot{snapshot}, err
}

type brokenSnapshot struct{ profile.Snapshot }

func (brokenSnapshot) Members(context.Context, string, string) iter.Seq2[profile.Membership, error] {
	return func(yield func(profile.Membership, error) bool) { yield(profile.Membership{}, errDown) }
}

// The hub on an engine: many goroutines change it, connections come and go, the
// receiver fails. In the end it has what the engine has.
func TestWithAnEngine(t *testing.T) {
	r := newRig(t)
	engine, err := audience.New(r.ctx, profile.NewMemStore(), audience.Options{Clock: r.clock, Shards: 4})
	r.NoError(err)
	defer engine.Close()
	r.NoError(engine.Create(r.ctx,
		audience.Define("buyers").Members(audience.Performed("Buy").Within(time.Hour)),
		audience.Define("idle").Members(audience.NotPerformed("Visit").Within(time.Hour))))

	fails := rand.New(rand.NewPCG(5, 6)) // under the receiver's lock
	r.to.fail = func(*destination.Batch) (error, bool) {
		if fails.IntN(3) == 0 {
			return errDown, fails.IntN(2) == 0
		}
		return nil, true
	}
	hub := destination.NewHub(engine, destination.Options{})
	ctx, cancel := context.WithCancel(r.ctx)
	ran := make(chan error)
	go func() { ran <- hub.Run(ctx) }()
	work := func(seed uint64) error {
		rnd := rand.New(rand.NewPCG(seed, 0))
		for range 400 {
			now := r.pass(time.Duration(rnd.IntN(60)) * time.Second)
			ev := profile.Event{Profile: fmt.Sprintf("u%02d", rnd.IntN(50)), Name: []string{"Buy", "Visit"}[rnd.IntN(2)], Time: now}
			if err := engine.Track(r.ctx, ev); err != nil {
				return err
			}
		}
		return nil
	}
	worked := make(chan error)
	for seed := range uint64(4) {
		go func() { worked <- work(seed) }()
	}
	cfg := destination.Config{
		Mode: destination.Identify, BatchSize: 5,
		Retry: destination.Retry{Base: time.Microsecond, Cap: time.Millisecond, Rand: rand.NewPCG(1, 1)},
	}
	c, err := hub.Connect(r.ctx, r.to, cfg)
	r.NoError(err)
	for range 3 { // changing the configuration, say
		r.NoError(c.Close(done(r.ctx)))
		c, err = hub.Connect(r.ctx, r.to, cfg)
		r.NoError(err)
	}
	for range 4 {
		r.NoError(<-worked)
	}
	r.NoError(engine.Advance(r.ctx, r.pass(0)))
	flushAll(c)
	var want []string
	for _, key := range []string{"buyers", "idle"} {
		for m, err := range engine.Members(r.ctx, key) {
			r.NoError(err)
			want = append(want, m.Ref.ID+" "+key)
		}
	}
	r.NotEmpty(want)
	r.ElementsMatch(want, r.to.in())
	cancel()
	r.ErrorIs(<-ran, context.Canceled)
	r.NoError(hub.Close(r.ctx))
}
