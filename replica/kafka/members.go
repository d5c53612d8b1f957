package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/muster-go/muster/replica"
	"github.com/twmb/franz-go/pkg/kgo"
)

// member is a member of the consumer group.
type member struct {
	log     *Log
	run     func(context.Context, replica.Partition)
	mu      sync.Mutex
	owned   map[int32]*partition
	running sync.WaitGroup
}

// Join implements replica.Log: it is a member of the consumer group. The broker says whose a
// partition is; the group reads nothing, and commits no offsets.
func (l *Log) Join(ctx context.Context, name string, run func(context.Context, replica.Partition)) error {
	m := &member{log: l, run: run, owned: map[int32]*partition{}}
	of := func(do func([]int32)) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, assigned map[string][]int32) { do(assigned[l.opts.Input]) }
	}
	client, err := l.newClient(
		kgo.ClientID(name), kgo.ConsumerGroup(l.opts.Group), kgo.ConsumeTopics(l.opts.Input),
		kgo.DisableAutoCommit(), kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(l.opts.Session), kgo.HeartbeatInterval(l.opts.Session/5), kgo.RebalanceTimeout(l.opts.Leave),
		kgo.OnPartitionsAssigned(of(m.assigned)), kgo.OnPartitionsRevoked(of(m.revoked)), kgo.OnPartitionsLost(of(m.lost)),
	)
	if err != nil {
		return err
	}
	client.PauseFetchTopics(l.opts.Input)
	<-ctx.Done()
	client.CloseAllowingRebalance() // which revokes all
	m.running.Wait()
	return nil
}

// assigned begins to run partitions.
func (m *member) assigned(partitions []int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range partitions {
		p := m.log.newPartition(int(n))
		m.owned[n] = p
		m.running.Add(1)
		go func() {
			defer m.running.Done()
			m.keep(p)
		}()
	}
}

// keep runs a partition for as long as it is the member's: one that was fenced out by who had
// not heard that it is no more the owner fences in turn.
func (m *member) keep(p *partition) {
	defer close(p.done)
	for {
		m.run(p.ctx, p)
		p.close()
		timer := time.NewTimer(50 * time.Millisecond)
		select {
		case <-timer.C:
		case <-p.leaving:
			timer.Stop()
			return
		case <-p.ctx.Done():
			timer.Stop()
			return
		}
	}
}

// take takes out what is owned no more.
func (m *member) take(partitions []int32) (taken []*partition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range partitions {
		if p := m.owned[n]; p != nil {
			taken = append(taken, p)
			delete(m.owned, n)
		}
	}
	return taken
}

// revoked has partitions left in order, and waits: the broker gives them to nobody before.
func (m *member) revoked(partitions []int32) {
	taken := m.take(partitions)
	for _, p := range taken {
		close(p.leaving)
	}
	for _, p := range taken {
		<-p.done
		p.end()
	}
}

// lost ends what is another's by now.
func (m *member) lost(partitions []int32) {
	for _, p := range m.take(partitions) {
		p.end()
	}
}
