package audience

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/profile"
)

// looker looks at profiles for a preview, one after the other, in the memory of the one
// before. There is one for each processor, with a view of its own: unless profiles depend on
// each other, when there is but one.
type looker struct {
	view    *Engine
	of      *live // the audience that is previewed
	ctx     context.Context
	at      int64
	p       *state.State
	members int
	show    int
	ofLane  int      // how many members of the lane at hand it has found
	shown   []string // the first members of each of its lanes
}

// lookers returns those of a preview.
func (e *Engine) lookers(ctx context.Context, snap profile.Snapshot, d Definition, seq uint64, t int64, show int) ([]*looker, error) {
	var all []*looker
	for n := min(runtime.GOMAXPROCS(0), profile.Lanes); len(all) < n; {
		view, a, err := e.previewView(snap, d, seq)
		if err != nil {
			return nil, err
		}
		all = append(all, &looker{view: view, of: a, ctx: ctx, at: t, p: state.New(profile.Ref{}), show: show})
		if view.nets.CrossProfile() {
			break
		}
	}
	return all, nil
}

// lookAt has profiles looked at, all or some of them, and notes how many that are of how
// many. Where the store scans histories, and all are wanted, no id is read beforehand.
func lookAt(ctx context.Context, snap profile.Snapshot, of profile.Subject, opts PreviewOptions, looks []*looker, p *Preview) (err error) {
	scanner, scans := snap.(profile.HistoryScanner)
	if scans && opts.Profiles <= 0 && !looks[0].view.nets.CrossProfile() {
		err = eachLane(looks, func(l *looker, lane int) error {
			return scanner.ScanHistory(ctx, lane, l.look)
		})
		if err == nil {
			p.Total, err = snap.Count(ctx, of)
			p.Looked = p.Total
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	ids, total, err := choose(ctx, snap, of, opts)
	if err != nil {
		return err
	}
	p.Total, p.Looked = total, len(ids)
	var lanes [profile.Lanes][]string
	for _, id := range ids {
		lanes[profile.Lane(id)] = append(lanes[profile.Lane(id)], id)
	}
	return eachLane(looks, func(l *looker, lane int) error {
		for i, id := range lanes[lane] {
			if i%256 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if err := l.look(id, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// eachLane has the lanes gone through, side by side: whoever is done with one takes the next.
func eachLane(looks []*looker, do func(l *looker, lane int) error) error {
	var next atomic.Int64
	var all sync.WaitGroup
	errs := make([]error, len(looks))
	for i, l := range looks {
		all.Add(1)
		go func() {
			defer all.Done()
			for lane := next.Add(1) - 1; lane < profile.Lanes && errs[i] == nil; lane = next.Add(1) - 1 {
				l.ofLane = 0
				errs[i] = do(l, int(lane))
			}
		}()
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// look looks at a profile. past is its history; nil: it is read from the store.
func (l *looker) look(id string, past *profile.History) error {
	is, err := l.meets(id, past)
	if err != nil || !is {
		return err
	}
	l.members++
	if l.ofLane++; l.ofLane <= l.show {
		l.shown = append(l.shown, id)
	}
	return nil
}

// meets computes whether a profile meets the condition.
func (l *looker) meets(id string, past *profile.History) (bool, error) {
	ref := profile.Ref{Subject: l.of.Of, ID: id}
	if l.view.nets.CrossProfile() {
		x := l.view.x
		x.begin(l.ctx, l.at, CauseTime)
		p := x.reach(ref)
		x.settle()
		x.finish()
		x.settled()
		return p.Truth(l.of.Root), x.Err
	}
	r := &l.view.x.Run
	l.p.Reset(ref)
	r.Begin(l.ctx, l.p, l.at)
	r.Past = past
	r.Load(&r.Net.Leaves)
	r.Walk()
	r.AskRoots()
	r.Past = nil
	return l.p.Truth(l.of.Root), r.Err
}
