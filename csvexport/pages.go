package csvexport

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"

	"github.com/muster-go/muster/profile"
)

// pageSize is how many profiles are handed on at a time: enough that handing
// them on costs nothing.
const pageSize = 256

// page is a run of profiles.
type page struct {
	rows  []row
	err   error         // met after the rows
	ready chan struct{} // receives when the external ids of the rows were read
}

// pages yields the profiles in their order, with their external ids. A store
// answers for one profile at a time, so this looks several up at once, on as
// many goroutines as there are processors: they have ended when the loop has. A
// page may be read until the next one is asked for.
func (s *source) pages(ctx context.Context) iter.Seq2[[]row, error] {
	return func(yield func([]row, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()

		workers := runtime.GOMAXPROCS(0)
		todo := make(chan *page, workers)
		inOrder := make(chan *page, 2*workers)
		running.Add(1 + workers)
		go func() {
			defer running.Done()
			s.list(ctx, todo, inOrder)
		}()
		for range workers {
			go func() {
				defer running.Done()
				for p := range todo {
					s.lookUp(ctx, p)
					p.ready <- struct{}{}
				}
			}()
		}
		for p := range inOrder {
			<-p.ready
			if len(p.rows) > 0 && !yield(p.rows, nil) {
				return
			}
			if p.err != nil {
				yield(nil, p.err)
				return
			}
		}
		if err := ctx.Err(); err != nil { // then the pages may not be all
			yield(nil, err)
		}
	}
}

// list fills pages with profiles, and sends each to those who look their ids up
// and, in order, to the reader.
func (s *source) list(ctx context.Context, todo, inOrder chan<- *page) {
	defer close(inOrder)
	defer close(todo)
	// One page is with the reader, one is being filled, the others wait: after
	// so many the reader is done with the first.
	ring := make([]page, cap(inOrder)+2)
	for i := range ring {
		ring[i].ready = make(chan struct{}, 1)
	}
	turn := 0
	p := &ring[0]
	send := func() bool {
		for _, to := range []chan<- *page{todo, inOrder} {
			select {
			case to <- p:
			case <-ctx.Done():
				return false
			}
		}
		turn = (turn + 1) % len(ring)
		p = &ring[turn]
		p.rows, p.err = p.rows[:0], nil
		return true
	}
	for r, err := range s.profiles(ctx) {
		if err != nil {
			p.err = err
			break
		}
		p.rows = append(p.rows, r)
		if len(p.rows) == pageSize && !send() {
			return
		}
	}
	if len(p.rows) > 0 || p.err != nil {
		send()
	}
}

// lookUp reads the external ids of a page.
func (s *source) lookUp(ctx context.Context, p *page) {
	for i := range p.rows {
		r := &p.rows[i]
		var err error
		if r.ids, err = s.reader.IDs(ctx, profile.Ref{Subject: s.subject, ID: r.id}); err != nil {
			p.rows, p.err = p.rows[:i], fmt.Errorf("external ids of %q: %w", r.id, err)
			return
		}
	}
}
