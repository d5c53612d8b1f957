package profile

import (
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"
)

const (
	// dictLimit is the number of keys a Dict interns. Beyond it keys are kept
	// inline, so a sender who invents a new property name per event costs bytes,
	// never a table that grows without end.
	dictLimit = 4096
	// dictOften is how often a key is met before it is interned, once there are
	// dictFree: a sender who invents names takes no place from those that are used.
	dictOften = 16
	dictFree  = 256
	// dictAge is the number of meetings after which those counted are halved.
	dictAge = 1 << 17
)

// Dict interns property keys: a stored object then holds a number of one or
// two bytes for each key instead of its text. It is append-only and safe for
// concurrent use; reads take no lock.
type Dict struct {
	mu    sync.Mutex
	state atomic.Pointer[dictState]

	seed  maphash.Seed
	met   atomic.Pointer[[1 << 15]atomic.Uint32] // by hash: how often keys were met that are not interned
	count atomic.Uint32                          // of those meetings
}

// often reports whether a key that is not interned has been met often enough.
func (d *Dict) often(key string) bool {
	met := d.met.Load()
	if met == nil {
		d.met.CompareAndSwap(nil, new([1 << 15]atomic.Uint32))
		met = d.met.Load()
	}
	if d.count.Add(1)%dictAge == 0 {
		for i := range met {
			met[i].Store(met[i].Load() / 2)
		}
	}
	return met[maphash.String(d.seed, key)%uint64(len(met))].Add(1) >= dictOften
}

type dictState struct {
	ids   map[string]uint32
	names []string
}

// NewDict returns an empty dictionary.
func NewDict() *Dict {
	d := &Dict{seed: maphash.MakeSeed()}
	d.state.Store(&dictState{ids: map[string]uint32{}})
	return d
}

// Intern returns the number of key, giving it one if there is room. It reports
// false when the dictionary is full and does not hold key.
func (d *Dict) Intern(key string) (uint32, bool) {
	now := d.state.Load()
	if id, ok := now.ids[key]; ok {
		return id, true
	}
	if n := len(now.names); n >= dictLimit || n >= dictFree && !d.often(key) {
		return 0, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.state.Load()
	if id, ok := old.ids[key]; ok {
		return id, true
	}
	if len(old.names) >= dictLimit {
		return 0, false
	}
	// Copy on write: readers never wait, and the table stops growing at
	// dictLimit, so the copies are few.
	key = string([]byte(key)) // do not keep a caller's large buffer alive
	id := uint32(len(old.names))
	ids := maps.Clone(old.ids)
	ids[key] = id
	d.state.Store(&dictState{ids: ids, names: append(old.names, key)})
	return id, true
}

// known returns the number of key if it has one. A nil Dict knows none.
func (d *Dict) known(key []byte) (uint32, bool) {
	if d == nil {
		return 0, false
	}
	id, ok := d.state.Load().ids[string(key)]
	return id, ok
}

func (d *Dict) name(id uint32) string {
	names := d.state.Load().names
	if int(id) >= len(names) {
		return ""
	}
	return names[id]
}

// Key is a property key prepared for look-ups in objects of one dictionary
// (those of a store) and of none (those just decoded).
type Key struct {
	name string
	dict *Dict
	id   uint32
}

// Key prepares a look-up of name.
func (d *Dict) Key(name string) Key {
	k := Key{name: name}
	if d == nil {
		return k
	}
	if id, ok := d.Intern(name); ok {
		k.dict, k.id = d, id
	}
	return k
}

// String returns the key's text.
func (k Key) String() string { return k.name }
