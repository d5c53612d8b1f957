package pebblestore

import (
	"context"
	"time"
)

// Metrics are figures of a store at one instant, since it was opened.
type Metrics struct {
	DiskBytes      uint64 // all files
	TableBytes     uint64 // of those, the tables that are in use
	LogBytes       uint64 // of those, what was committed lately
	MemTableBytes  uint64 // what is yet to be written to tables
	BlockBytes     int64  // in the cache of blocks
	BlockHits      int64
	BlockMisses    int64
	ProfileBytes   int64 // in the cache of profiles, about
	CachedProfiles int

	Commits      uint64
	CommitBytes  uint64        // that they were written with
	CommitTotal  time.Duration // until they were visible
	CommitMost   time.Duration
	Syncs        uint64
	SyncTotal    time.Duration
	SyncMost     time.Duration
	ReadAmp      int    // how many tables a search may look into
	CompactBytes uint64 // that compactions have yet to write, about
	WriteStalls  int64  // commits that waited for a flush
}

// Metrics returns the figures. It waits for no transaction.
func (s *Store) Metrics(ctx context.Context) (Metrics, error) {
	if err := s.use(ctx); err != nil {
		return Metrics{}, err
	}
	defer s.leave()
	p := s.db.Metrics()
	total := p.Total()
	m := Metrics{
		DiskBytes:     p.DiskSpaceUsage(),
		TableBytes:    uint64(total.TablesSize),
		LogBytes:      p.WAL.PhysicalSize,
		MemTableBytes: p.MemTable.Size,
		BlockBytes:    p.BlockCache.Size,
		BlockHits:     p.BlockCache.Hits,
		BlockMisses:   p.BlockCache.Misses,
		Commits:       s.commits.n.Load(),
		CommitBytes:   s.commits.bytes.Load(),
		CommitTotal:   time.Duration(s.commits.total.Load()),
		CommitMost:    time.Duration(s.commits.most.Load()),
		ReadAmp:       p.ReadAmp(),
		CompactBytes:  p.Compact.EstimatedDebt,
		WriteStalls:   s.stalls.Load(),
	}
	s.syncs.mu.Lock()
	m.Syncs, m.SyncTotal, m.SyncMost = s.syncs.waits.n, s.syncs.waits.total, s.syncs.waits.most
	s.syncs.mu.Unlock()
	for i := range s.lanes {
		m.ProfileBytes += s.lanes[i].figures.bytes.Load()
		m.CachedProfiles += int(s.lanes[i].figures.profiles.Load())
	}
	return m, nil
}
