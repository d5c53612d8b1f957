package logtest

import (
	"context"
	"sync"
	"time"

	"github.com/muster-go/muster/replica"
)

// member is one who takes a share of the partitions.
type member struct {
	name    string
	run     func(context.Context, replica.Partition)
	ctx     context.Context // ends with what it owns when it does not leave in order
	running sync.WaitGroup
	grants  map[*grant]bool // those that it runs, also such as were taken from it
}

// grant is what makes a member the owner of a partition.
type grant struct {
	of      *member
	leaving chan struct{}
	told    bool // that it is to leave
	cancel  context.CancelFunc
}

// Join implements replica.Log: partition i goes to member i, modulo their number.
func (m *Memory) Join(ctx context.Context, name string, run func(context.Context, replica.Partition)) error {
	of := &member{name: name, run: run, ctx: context.WithoutCancel(ctx), grants: map[*grant]bool{}}
	m.mu.Lock()
	m.members = append(m.members, of)
	m.share()
	m.mu.Unlock()
	<-ctx.Done()
	m.mu.Lock()
	for i, other := range m.members {
		if other == of {
			m.members = append(m.members[:i:i], m.members[i+1:]...)
			break
		}
	}
	for g := range of.grants {
		g.leave()
	}
	m.share()
	m.mu.Unlock()
	of.running.Wait()
	return nil
}

// Break ends the contexts of all that a member owns at once, as where its process is told
// to stop and cannot wait.
func (m *Memory) Break(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.partitions {
		if p.grant != nil && p.grant.of.name == name {
			p.grant.cancel()
		}
	}
}

// Steal takes a partition from its owner behind its back, and gives it to somebody: what a
// lease does that has run out while its owner stood still. The owner, who is deaf to it,
// goes on.
func (m *Memory) Steal(partition int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.partitions[partition].grant = nil
	m.share()
}

// share gives partitions to members, and has those who own too many leave. The lock is held.
func (m *Memory) share() {
	for i, p := range m.partitions {
		var wanted *member
		if len(m.members) > 0 {
			wanted = m.members[i%len(m.members)]
		}
		switch {
		case p.grant == nil && wanted != nil:
			m.grantTo(wanted, i)
		case p.grant != nil && p.grant.of != wanted:
			p.grant.leave()
		}
	}
}

// leave has the owner leave. The lock is held.
func (g *grant) leave() {
	if !g.told {
		g.told = true
		close(g.leaving)
	}
}

// grantTo makes a member the owner of a partition. The lock is held.
func (m *Memory) grantTo(of *member, partition int) {
	ctx, cancel := context.WithCancel(of.ctx)
	g := &grant{of: of, leaving: make(chan struct{}), cancel: cancel}
	p := m.partitions[partition]
	p.grant = g
	of.grants[g] = true
	of.running.Add(1)
	go func() {
		defer of.running.Done()
		of.run(ctx, &owned{m: m, p: p, grant: g, n: partition})
		cancel()
		time.Sleep(time.Millisecond) // who fails at once is not asked again at once
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(of.grants, g)
		if p.grant == g {
			p.grant = nil
			m.share()
		}
	}()
}
