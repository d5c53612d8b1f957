package audience

import (
	"sync"
	"sync/atomic"

	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/internal/outbox"
	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/internal/usage"
	"github.com/muster-go/muster/profile"
)

// shard is a part of the profiles, those of some lanes: the states of them that are in
// memory, their timers, and the transitions that wait for delivery. mu guards all but the
// outbox, which has a lock of its own, and due, which may be read without.
type shard struct {
	e       *Engine
	self    shardSet // this one
	lanes   []lane
	page    []profile.Wake // scratch
	mu      sync.Mutex
	states  state.Cache
	last    int64 // the last instant at which anything was applied
	earlier bool  // a timer was set that is earlier than all others

	// All shards look at it with each event while profiles depend on each other: it is
	// not beside what changes with each.
	_   [64]byte
	due atomic.Int64
	_   [64]byte

	figures figures
	names   usage.Names
	x       *txn // of its profiles, and of some of others
	out     *outbox.Queue[notice]
}

// newShard returns the i-th shard of n.
func newShard(e *Engine, i, n int) *shard {
	sh := &shard{
		e:      e,
		self:   1 << i,
		page:   make([]profile.Wake, timersHeld),
		states: state.NewCache(e.cache),
		names:  usage.NewNames(e.fields),
		last:   profile.MinTime.UnixNano(),
	}
	for number := i; number < profile.Lanes; number += n {
		sh.lanes = append(sh.lanes, lane{number: number, upTo: allTimers}) // there is none yet
	}
	sh.x = newTxn(e, sh)
	sh.out = outbox.NewQueue(outbox.Teller[notice]{Durable: e.store.Durable, Tell: e.tell, Report: e.report})
	sh.due.Store(horizon.Never)
	return sh
}
