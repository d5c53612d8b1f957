package profile

import (
	"context"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unique"
)

func (tx *tx) putIDs(c *PutIDs) {
	sh, ref, r := tx.resolve(c.Ref)
	r, c.Created = tx.writable(sh, ref, r)
	tx.makeKnown(r, !c.Visitor)
	c.OutID = r.id
	c.Changed = tx.addIDs(sh, ref.Subject, r, c.IDs)
}

// addIDs adds external ids to a record that may be written to, and reports
// whether any was new. However many they are, the list is copied once. It has no
// room to append to, as readers of Holders have it too.
func (tx *tx) addIDs(sh *shard, s Subject, r *record, ids []ExternalID) bool {
	l := r.linked()
	var added []ExternalID
	for _, id := range ids {
		if _, has := slices.BinarySearchFunc(l.ids, id, compareIDs); !has {
			added = append(added, id)
		}
	}
	if len(added) == 0 {
		return false
	}
	slices.SortFunc(added, compareIDs)
	added = slices.Compact(added)
	rest, all := l.ids, make([]ExternalID, 0, len(l.ids)+len(added))
	for _, id := range added {
		id = ExternalID{unique.Make(id.Type).Value(), strings.Clone(id.Value)}
		i, _ := slices.BinarySearchFunc(rest, id, compareIDs)
		all = append(append(all, rest[:i]...), id)
		rest = rest[i:]
		index(tx, sh.ids, idEntry{id, s, r.id})
	}
	l.ids = append(all, rest...)
	tx.link(r, &l)
	for t, n := range idTypes(l.ids) {
		if most, _ := sh.mostIDs.Get(t); n > most {
			sh.mostIDs.Set(t, n)
		}
	}
	return true
}

// idTypes yields the types of sorted external ids, and how many of each there
// are.
func idTypes(ids []ExternalID) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for len(ids) > 0 {
			t, n := ids[0].Type, 1
			for n < len(ids) && ids[n].Type == t {
				n++
			}
			if !yield(t, n) {
				return
			}
			ids = ids[n:]
		}
	}
}

// MaxIDs implements Reader, by a snapshot: the answer is of one instant.
func (s *MemStore) MaxIDs(ctx context.Context, key string, subject Subject) (map[string]int, error) {
	snapshot, err := s.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	most, err := snapshot.MaxIDs(ctx, key, subject)
	_ = snapshot.Close() // it was open
	return most, err
}

// MaxIDs implements Reader, of a snapshot and of a transaction: nobody writes. It goes
// through the shards on as many goroutines as there are processors, until it has seen
// as many ids of each type as any profile of the store ever had: often soon, but where
// those profiles have not what the key names, all are looked at.
func (r *reader) MaxIDs(ctx context.Context, key string, subject Subject) (map[string]int, error) {
	st, err := r.enterAllOf(ctx, subject)
	if err != nil {
		return nil, err
	}
	number, ok := st.audiences.find(key)
	if !ok {
		return map[string]int{}, nil
	}
	bound := map[string]int{}
	for i := range st.shards {
		st.shards[i].mostIDs.Scan(func(t string, n int) bool {
			bound[t] = max(bound[t], n)
			return true
		})
	}
	var next atomic.Int32 // shard
	var done atomic.Bool
	found := make([]idMaxima, min(runtime.GOMAXPROCS(0), shardCount))
	var running sync.WaitGroup
	for i := range found {
		m := &found[i]
		m.below, m.bound = len(bound), bound
		running.Add(1)
		go func() {
			defer running.Done()
			for at := next.Add(1) - 1; at < shardCount && !done.Load(); at = next.Add(1) - 1 {
				m.addShard(ctx, &st.shards[at], subject, number, &done)
			}
		}()
	}
	running.Wait()
	if _, err := r.enter(ctx); err != nil { // it may have ended early
		return nil, err
	}
	most := map[string]int{}
	for _, m := range found {
		for i, t := range m.types {
			most[t] = max(most[t], m.most[i])
		}
	}
	return most, nil
}

// idMaxima are the greatest numbers of external ids of one holder.
type idMaxima struct {
	types []string // ascending
	most  []int    // of each type

	bound   map[string]int
	below   int // how many types have not reached their bound
	touched int // as in holding
}

// addShard adds the holders of a shard until all bounds are reached, or the
// context ends: then nobody needs to go on, which is said in done. The shard is
// a snapshot's, which no one writes to.
func (m *idMaxima) addShard(ctx context.Context, sh *shard, s Subject, key uint32, done *atomic.Bool) {
	found := holding{key: key}
	block := make([]*record, 0, maxPage)
	flush := func() bool {
		found.read(block)
		block = block[:0]
		m.addBlock(found.holders)
		if m.below == 0 || ctx.Err() != nil {
			done.Store(true)
		}
		return !done.Load()
	}
	sh.profiles[s].Scan(func(r *record) bool {
		block = append(block, r)
		return len(block) < maxPage || flush()
	})
	flush()
}

// addBlock adds holders. Their ids, too, are touched first.
func (m *idMaxima) addBlock(holders []holder) {
	for i := range holders {
		if ids := holders[i].ids; len(ids) > 0 {
			m.touched += len(ids[0].Type)
		}
	}
	for i := range holders {
		m.add(holders[i].ids)
	}
}

// add adds the external ids of a holder. They are by type, as m is, and often
// have the types of the holder before.
func (m *idMaxima) add(ids []ExternalID) {
	at := 0
	for t, n := range idTypes(ids) {
		if at == len(m.types) || m.types[at] != t {
			i, ok := slices.BinarySearch(m.types[at:], t)
			if at += i; !ok {
				m.types, m.most = slices.Insert(m.types, at, t), slices.Insert(m.most, at, 0)
			}
		}
		if n > m.most[at] {
			if m.most[at] = n; n == m.bound[t] {
				m.below--
			}
		}
		at++
	}
}
