package profile

import (
	"cmp"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"
)

// A shard is a small store of its own: everything of a profile, its entries in
// the ordered indexes too, is in the shard of its id, under that shard's lock.
// Only what joins profiles (a merge, an account with its users) takes the locks
// of several, always in ascending order.
type shard struct {
	mu sync.Mutex

	live     [2]map[string]*record // by Subject; nil in a snapshot, which reads profiles
	profiles [2]*btree.BTreeG[*record]
	aliases  *btree.Map[string, string] // id merged into a user -> that user's id

	ids     *btree.BTreeG[idEntry]
	mostIDs *btree.Map[string, int] // external ids of each type that one profile has, or had, at most
	joins   *btree.BTreeG[pair]     // (account, user) attached
	senders *btree.BTreeG[pair]     // (account, user who sent an event for it)
	wakes   *btree.BTreeG[wakeEntry]

	wakeHint btree.PathHint // under mu
	members  [2]memberLists // by Subject; none in a snapshot
	deleted  deletedIDs
	probe    record       // what a search in a snapshot's profiles compares with, under mu
	scratch  []byte       // for packing, under mu
	now      atomic.Int64 // the latest instant of a transaction here; changed under mu
	_        [64]byte     // no two shards' locks on one cache line
}

const shardCount = Lanes

// pair is an entry of an index from accounts to users.
type pair struct{ account, user string }

// idEntry is an entry of the index of external ids.
type idEntry struct {
	id      ExternalID
	subject Subject
	profile string
}

func (sh *shard) init() {
	unlocked := btree.Options{NoLocks: true} // the shard has a lock
	sh.now.Store(never)
	for s := range sh.live {
		sh.live[s] = map[string]*record{}
		sh.profiles[s] = btree.NewBTreeGOptions(recordLess, unlocked)
	}
	sh.aliases = btree.NewMap[string, string](0)
	sh.ids = btree.NewBTreeGOptions(idLess, unlocked)
	sh.mostIDs = btree.NewMap[string, int](0)
	sh.joins = btree.NewBTreeGOptions(pairLess, unlocked)
	sh.senders = btree.NewBTreeGOptions(pairLess, unlocked)
	// Wakes come and go with most events: small nodes move less.
	sh.wakes = btree.NewBTreeGOptions(wakeLess, btree.Options{NoLocks: true, Degree: 16})
}

// freeze makes into a copy of the shard for reading.
func (sh *shard) freeze(into *shard) {
	into.now.Store(sh.now.Load())
	for s := range sh.profiles {
		into.profiles[s] = sh.profiles[s].Copy()
	}
	into.aliases = sh.aliases.Copy()
	into.ids = sh.ids.Copy()
	into.mostIDs = sh.mostIDs.Copy()
	into.joins = sh.joins.Copy()
	into.senders = sh.senders.Copy()
	into.wakes = sh.wakes.Copy()
	sh.deleted.freeze(&into.deleted)
}

func recordLess(a, b *record) bool { return a.id < b.id }

func pairLess(a, b pair) bool {
	if a.account != b.account {
		return a.account < b.account
	}
	return a.user < b.user
}

func idLess(a, b idEntry) bool {
	return cmp.Or(cmp.Compare(a.subject, b.subject), compareIDs(a.id, b.id),
		cmp.Compare(a.profile, b.profile)) < 0
}

func compareIDs(a, b ExternalID) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Value, b.Value))
}

// find returns the record kept under exactly this id, or nil.
func (sh *shard) find(ref Ref) *record {
	if byID := sh.live[ref.Subject]; byID != nil {
		return byID[ref.ID]
	}
	sh.probe.id = ref.ID // one of its own would be allocated for each search
	r, _ := sh.profiles[ref.Subject].Get(&sh.probe)
	return r
}

// alias returns the id of the user that an id was merged into.
func (sh *shard) alias(ref Ref) (string, bool) {
	if ref.Subject != User {
		return "", false
	}
	return sh.aliases.Get(ref.ID)
}

// shardSet is a set of shards, as bits.
type shardSet uint32

const allShards shardSet = 1<<shardCount - 1

func (st *state) shard(id string) *shard { return &st.shards[Lane(id)] }

func (st *state) setOf(id string) shardSet { return 1 << Lane(id) }

func (st *state) lock(set shardSet) {
	for ; set != 0; set &= set - 1 {
		st.shards[bits.TrailingZeros32(uint32(set))].mu.Lock()
	}
}

func (st *state) unlock(set shardSet) {
	for ; set != 0; set &= set - 1 {
		st.shards[bits.TrailingZeros32(uint32(set))].mu.Unlock()
	}
}

// lockFor locks the shards of profiles, and returns them. Which these are depends on
// what ids are merged into, which can only be read under the lock: so it looks again,
// and widens the set, until it holds all.
func (st *state) lockFor(refs []Ref) shardSet {
	var set shardSet
	for _, ref := range refs {
		set |= st.setOf(ref.ID)
	}
	if len(refs) == 1 {
		sh := &st.shards[bits.TrailingZeros32(uint32(set))]
		if sh.mu.Lock(); sh.aliases.Len() == 0 {
			return set // the usual case
		}
		sh.mu.Unlock()
	}
	for {
		st.lock(set)
		need := set
		for _, ref := range refs {
			need |= st.behind(ref, set, false)
		}
		if need == set {
			return set
		}
		st.unlock(set)
		set = need
	}
}

// named returns the shards of the ids that a change names.
func (st *state) named(c Change) shardSet {
	switch c := c.(type) {
	case *DropMembers, *DropValues:
		return allShards
	case *Delete:
		if c.Ref.Subject == Account { // its users can be in any shard
			return allShards
		}
	case *Join:
		return st.setOf(c.User) | st.setOf(c.Account)
	case *Merge:
		return st.setOf(c.From) | st.setOf(c.Into)
	}
	if ref, ok := subjectOf(c); ok {
		return st.setOf(ref.ID)
	}
	return 0
}

// reached returns the shards of the profiles that the ids named by a change
// are merged into, as far as those in locked tell, and, for a change that moves
// or removes a profile, those of the ids merged into it.
func (st *state) reached(c Change, locked shardSet) shardSet {
	if m, ok := c.(*Merge); ok {
		return st.behind(UserRef(m.From), locked, true) | st.behind(UserRef(m.Into), locked, true)
	}
	ref, ok := subjectOf(c)
	if !ok {
		return 0
	}
	_, whole := c.(*Delete)
	return st.behind(ref, locked, whole)
}

func (st *state) behind(ref Ref, locked shardSet, whole bool) shardSet {
	sh := st.shard(ref.ID)
	var set shardSet
	if !whole && sh.aliases.Len() == 0 {
		return 0 // the usual case
	}
	r := sh.find(ref)
	if r == nil {
		target, ok := sh.alias(ref)
		if !ok {
			return 0
		}
		set = st.setOf(target)
		if set&locked == 0 {
			return set // the rest when it is locked
		}
		r = st.shard(target).find(UserRef(target))
	}
	if whole && r != nil {
		for _, id := range r.linked().aliases {
			set |= st.setOf(id)
		}
	}
	return set
}

// subjectOf returns the profile that a change is about; of a Merge, none.
func subjectOf(c Change) (Ref, bool) {
	switch c := c.(type) {
	case *PutEvent:
		return UserRef(c.Event.Profile), true
	case *PutTraits:
		return c.Ref, true
	case *PutIDs:
		return c.Ref, true
	case *Delete:
		return c.Ref, true
	case *Join:
		return UserRef(c.User), true
	case *Leave:
		return UserRef(c.User), true
	case *SetMember:
		return c.Membership.Ref, true
	case *SetValue:
		return c.Value.Ref, true
	case *SetWake:
		return c.Wake.Ref, true
	}
	return Ref{}, false
}
