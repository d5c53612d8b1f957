package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/muster-go/muster/replica"
)

// member is one who takes a share of the partitions.
type member struct {
	l    *Log
	name string
	run  func(context.Context, replica.Partition)

	mu      sync.Mutex
	owned   map[string]*ownership // by token
	running sync.WaitGroup
}

// ownership is one partition that a member owns.
type ownership struct {
	*partition
	cancel context.CancelFunc
	leave  func() // once
}

// Join implements replica.Log. Members are those that have been heard of within a lease;
// each has as many partitions as any other, or one more. Who has too many leaves some,
// and who has too few takes such as nobody has.
func (l *Log) Join(ctx context.Context, name string, run func(context.Context, replica.Partition)) error {
	m := &member{l: l, name: name, run: run, owned: map[string]*ownership{}}
	rounds := time.NewTicker(l.opts.Lease / 5)
	defer rounds.Stop()
	for ctx.Err() == nil {
		// A server that does not answer is asked again: until it does nobody else owns what this
		// member owns, or else the fence keeps it from telling anything.
		_ = m.round(ctx)
		select {
		case <-rounds.C:
		case <-ctx.Done():
		}
	}
	return m.end(rounds.C)
}

// end leaves all that is owned. Meanwhile the leases are kept.
func (m *member) end(rounds <-chan time.Time) error {
	ctx := context.Background()
	m.mu.Lock()
	for _, o := range m.owned {
		o.leave()
	}
	m.mu.Unlock()
	done := make(chan struct{})
	go func() {
		m.running.Wait()
		close(done)
	}()
	for {
		select {
		case <-rounds:
			bounded, cancel := context.WithTimeout(ctx, m.l.opts.Lease)
			_ = m.renew(bounded) // as in Join
			cancel()
			continue
		case <-done:
		}
		break
	}
	bounded, cancel := context.WithTimeout(ctx, m.l.opts.Lease)
	defer cancel()
	if _, err := m.l.pool.Exec(bounded, `DELETE FROM muster_members WHERE member = $1`, m.name); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}

// round keeps what is owned, and takes or leaves what the share is short of or beyond.
func (m *member) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, m.l.opts.Lease)
	defer cancel()
	if err := m.renew(ctx); err != nil {
		return err
	}
	share, err := m.share(ctx)
	if err != nil {
		return err
	}
	for m.leaveBeyond(share) {
		took, err := m.take(ctx)
		if err != nil || !took {
			return err
		}
	}
	return nil
}

// renew keeps the leases, and ends what is owned no more.
func (m *member) renew(ctx context.Context) error {
	m.mu.Lock()
	var tokens []string
	for token := range m.owned {
		tokens = append(tokens, token)
	}
	m.mu.Unlock()
	rows, err := m.l.pool.Query(ctx, `
		UPDATE muster_output SET lease_until = clock_timestamp() + $2::interval
		WHERE owner = ANY ($1) RETURNING owner`, tokens, m.l.opts.Lease)
	if err != nil {
		return err
	}
	kept, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, token := range tokens {
		if o := m.owned[token]; o != nil && !slices.Contains(kept, token) {
			o.cancel()
			delete(m.owned, token)
		}
	}
	return nil
}

// share says that the member is alive, and returns how many partitions are its.
func (m *member) share(ctx context.Context) (int, error) {
	if _, err := m.l.pool.Exec(ctx, `
		INSERT INTO muster_members (member, alive_until) VALUES ($1, clock_timestamp() + $2::interval)
		ON CONFLICT (member) DO UPDATE SET alive_until = excluded.alive_until`, m.name, m.l.opts.Lease); err != nil {
		return 0, err
	}
	rows, err := m.l.pool.Query(ctx, `SELECT member FROM muster_members WHERE alive_until > clock_timestamp() ORDER BY member COLLATE "C"`)
	if err != nil {
		return 0, err
	}
	alive, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(alive) == 0 {
		return 0, err
	}
	share := m.l.partitions / len(alive)
	if slices.Index(alive, m.name) < m.l.partitions%len(alive) {
		share++
	}
	return share, nil
}

// leaveBeyond has what is beyond the share left, and reports whether more could be taken.
func (m *member) leaveBeyond(share int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*ownership
	for _, o := range m.owned {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b *ownership) int { return a.n - b.n })
	for _, o := range all[min(share, len(all)):] {
		o.leave()
	}
	return len(all) < share
}

// take takes a partition that nobody has.
func (m *member) take(ctx context.Context) (bool, error) {
	token := m.name + "/" + rand.Text()
	var n int
	err := m.l.pool.QueryRow(ctx, `
		UPDATE muster_output SET owner = $1, lease_until = clock_timestamp() + $2::interval
		WHERE partition = (
			SELECT partition FROM muster_output WHERE owner IS NULL OR lease_until < clock_timestamp()
			ORDER BY partition LIMIT 1 FOR UPDATE SKIP LOCKED
		) RETURNING partition`, token, m.l.opts.Lease).Scan(&n)
	if noRows(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// What is owned does not end with ctx, but is left in order: see end.
	owned, cancel := context.WithCancel(context.WithoutCancel(ctx))
	leaving := make(chan struct{})
	o := &ownership{
		partition: &partition{l: m.l, n: n, token: token, leaving: leaving},
		cancel:    cancel,
		leave:     sync.OnceFunc(func() { close(leaving) }),
	}
	m.mu.Lock()
	m.owned[token] = o
	m.mu.Unlock()
	m.running.Add(1)
	go func() {
		defer m.running.Done()
		m.run(owned, o.partition)
		m.giveBack(owned, o)
		cancel()
	}()
	return true, nil
}

// giveBack ends an ownership. If the server does not hear of it the lease runs out.
func (m *member) giveBack(ctx context.Context, o *ownership) {
	m.mu.Lock()
	delete(m.owned, o.token)
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.l.opts.Lease)
	defer cancel()
	_, _ = m.l.pool.Exec(ctx, `UPDATE muster_output SET owner = NULL WHERE owner = $1`, o.token)
}
