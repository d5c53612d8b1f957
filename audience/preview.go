package audience

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/muster-go/muster/profile"
)

// PreviewOptions bound what a preview looks at. The zero value looks at all and
// shows ten members.
type PreviewOptions struct {
	// Profiles is the number of profiles to look at, chosen at random; the size
	// then is an estimate. 0 looks at all.
	Profiles int
	// Sample is the number of members to explain: 10 if it is 0, none if it is
	// negative.
	Sample int
	// Seed chooses the profiles.
	Seed uint64
}

// Preview is what an audience would be.
type Preview struct {
	At      time.Time // of which instant, UTC
	Total   int       // profiles there are
	Looked  int       // at so many of them
	Members int       // so many of those meet the condition
	Size    int       // of the audience: exact if all were looked at, else the likeliest

	// Low and High are the bounds of a 95 % confidence interval of the size: the
	// Wilson score interval, with the correction for a finite population.
	Low, High int

	Sample []Explanation // of the first members that were come to, by id
}

// Exact reports whether all profiles were looked at.
func (p Preview) Exact() bool { return p.Looked == p.Total }

// Preview says how many members an audience would have now, and shows some. It
// works on a snapshot of the store: it holds nobody up, nothing is told and
// nothing is kept. A definition with the key of a live audience is previewed in
// its place. The error is a *DefinitionError for a bad definition.
func (e *Engine) Preview(ctx context.Context, d Definition, opts PreviewOptions) (_ Preview, err error) {
	ctx, end := e.begin(ctx, "preview")
	defer func() { err = end(err) }()
	p, err := e.preview(ctx, d, opts)
	if err != nil {
		return Preview{}, fmt.Errorf("preview: %w", err)
	}
	return p, nil
}

func (e *Engine) preview(ctx context.Context, d Definition, opts PreviewOptions) (p Preview, err error) {
	snap, err := e.store.Snapshot(ctx)
	if err != nil {
		return p, err
	}
	defer func() { _ = snap.Close() }()
	t, seq, err := e.snapshotTime(ctx, snap)
	if err != nil {
		return p, err
	}
	p = Preview{At: instant(t)}
	show := max(0, cmp.Or(opts.Sample, 10))
	looks, err := e.lookers(ctx, snap, d, seq, t, show)
	if err != nil {
		return p, err
	}
	if err := lookAt(ctx, snap, d.Of, opts, looks, &p); err != nil {
		return p, err
	}
	first := looks[0]
	for _, l := range looks[1:] {
		first.members += l.members
		first.shown = append(first.shown, l.shown...)
	}
	p.Members = first.members
	slices.Sort(first.shown)
	for _, id := range first.shown[:min(show, len(first.shown))] {
		x, err := first.view.explainAt(ctx, first.of, profile.Ref{Subject: d.Of, ID: id}, true, t)
		if err != nil {
			return p, err
		}
		p.Sample = append(p.Sample, x)
	}
	p.estimate()
	return p, nil
}

// readOnly is a snapshot as a store that nothing is written to.
type readOnly struct {
	profile.Reader
	retention time.Duration
}

var errReadOnly = errors.New("a snapshot takes no changes")

func (r readOnly) Begin(context.Context, time.Time, ...profile.Ref) (profile.Tx, error) {
	return nil, errReadOnly
}

// ReadHistory implements profile.HistoryReader, if the snapshot does.
func (r readOnly) ReadHistory(ctx context.Context, user string, into *profile.History) error {
	h, ok := r.Reader.(profile.HistoryReader)
	if !ok {
		return errors.ErrUnsupported
	}
	return h.ReadHistory(ctx, user, into)
}

func (r readOnly) Durable(context.Context, profile.Mark) error { return nil }

func (r readOnly) SyncInterval() time.Duration { return 0 }

func (r readOnly) Take(context.Context) (func(), error) { return nil, errReadOnly }

func (r readOnly) Snapshot(context.Context) (profile.Snapshot, error) { return r, nil }

func (r readOnly) Restore(context.Context, iter.Seq2[profile.Row, error]) error { return errReadOnly }

func (r readOnly) Retention() time.Duration { return r.retention }

func (r readOnly) Close() error { return nil }

// previewView returns an engine on a snapshot with a definition and those that it
// reads, but no profiles.
func (e *Engine) previewView(snap profile.Snapshot, d Definition, seq uint64) (*Engine, *live, error) {
	d.Batch, d.Paused = 0, false // as it would be now
	defs, key, err := e.previewed(d, seq)
	if err != nil {
		return nil, nil, err
	}
	view, err := e.viewOf(snap, defs)
	if err != nil {
		return nil, nil, err
	}
	return view, view.live[key], nil
}

// previewed returns a definition, made at an arrival number, with those that it reads, and its
// key.
func (e *Engine) previewed(d Definition, seq uint64) (defs []*definition, key string, err error) {
	d.Key = cmp.Or(d.Key, "preview")
	of := &definition{key: d.Key, audience: &d}
	if d.NoBackfill {
		of.since = seq
	}
	defs, err = e.readBy(of)
	return defs, d.Key, err
}

// viewOf returns an engine on a snapshot with definitions, but no profiles.
func (e *Engine) viewOf(snap profile.Snapshot, defs []*definition) (*Engine, error) {
	sorted, err := planAll(e.env, e.store.Retention(), defs, func(string) keyOf { return nothing })
	if err != nil {
		return nil, err
	}
	store, err := guard(readOnly{snap, e.store.Retention()})
	if err != nil {
		return nil, err
	}
	view := newEngine(store, e.env, Options{Clock: e.clock, Shards: 1})
	view.fields = e.fields // for what names are known
	view.detached = true
	view.x.Aside = true
	for _, sh := range view.shards {
		sh.x.Aside = true
	}
	view.define(sorted)
	return view, nil
}

// readBy returns a definition, and those of the live ones that it reads, directly
// or not.
func (e *Engine) readBy(d *definition) ([]*definition, error) {
	pl := planner{env: e.env, retention: e.store.Retention(), keyOf: func(key string) keyOf {
		e.mu.RLock()
		defer e.mu.RUnlock()
		return e.keyOf(key)
	}}
	if err := pl.plan(d); err != nil { // its references are resolved later
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed.Load() {
		return nil, profile.ErrClosed
	}
	if err := e.readsBroken([]*definition{d}); err != nil {
		return nil, err
	}
	defs, seen := []*definition{d}, map[string]bool{d.key: true}
	for i := 0; i < len(defs); i++ {
		for _, key := range defs[i].plan.Refs(nil) {
			if a := e.live[key]; a != nil && !seen[key] {
				seen[key] = true
				again := *a.definition
				defs = append(defs, &again)
			}
		}
	}
	return defs, nil
}

// choose returns the ids of the profiles to look at, ascending, and how many
// there are.
func choose(ctx context.Context, store profile.Reader, of profile.Subject, opts PreviewOptions) (ids []string, total int, err error) {
	rng := rand.New(rand.NewPCG(opts.Seed, 0))
	for id, err := range store.Profiles(ctx, of, "") {
		if err != nil {
			return nil, 0, err
		}
		total++
		if opts.Profiles <= 0 || len(ids) < opts.Profiles {
			ids = append(ids, id)
		} else if i := rng.IntN(total); i < len(ids) {
			ids[i] = id // Algorithm R: each is in with the same chance
		}
	}
	slices.Sort(ids)
	return ids, total, nil
}

// estimate sets the size and its bounds.
func (p *Preview) estimate() {
	p.Size, p.Low, p.High = p.Members, p.Members, p.Members
	if p.Exact() || p.Looked == 0 {
		return
	}
	const z = 1.959964 // of 95 %
	all, n := float64(p.Total), float64(p.Looked)
	share := float64(p.Members) / n
	n *= (all - 1) / (all - n) // so many more it is worth, all being finite
	middle := (share + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(share*(1-share)/n+z*z/(4*n*n))
	p.Size = int(math.Round(share * all))
	p.Low = max(p.Members, int(math.Floor((middle-half)*all)))
	p.High = min(p.Total-(p.Looked-p.Members), int(math.Ceil((middle+half)*all)))
}

// snapshotTime returns the instant of a snapshot's answers, and the last arrival number.
func (e *Engine) snapshotTime(ctx context.Context, snap profile.Snapshot) (t int64, seq uint64, err error) {
	if t, err = e.now(0); err != nil {
		return 0, 0, err
	}
	seq, last, err := snap.Position(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("position: %w", err)
	}
	if !last.IsZero() {
		t = max(t, last.UnixNano())
	}
	return t, seq, nil
}
