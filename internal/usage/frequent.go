// Package usage counts the names that data uses, and what stands under them, in bounded
// memory whatever is sent.
//
// What is counted is kept in tables of a bounded number of entries. A table that is full
// lets go of those that are rarest: it takes the median of the weights from all of them, and
// drops those that have none left (Misra and Gries, in batches). What is frequent so stays,
// and its count is exact but for what came before its entry was made, of which the table
// knows a bound. While no table is full all counts are exact.
package usage

import "slices"

// Table counts keys, of which it holds at most a limit.
type Table[K comparable, V any] struct {
	limit int
	items map[K]*Item[V]
	gone  uint64 // at most as often was any key added that has no entry
	spare []uint64
}

// Item is the entry of a key.
type Item[V any] struct {
	Count  uint64 // how often the key was added since the entry was made
	Missed uint64 // at most as often it was added before
	Value  V
	weight uint64
}

// NewTable returns an empty table.
func NewTable[K comparable, V any](limit int) Table[K, V] {
	return Table[K, V]{limit: limit, items: map[K]*Item[V]{}}
}

// Get returns the entry of a key; nil: there is none.
func (t *Table[K, V]) Get(key K) *Item[V] { return t.items[key] }

// Add counts the key of an entry.
func (i *Item[V]) Add() {
	i.Count++
	i.weight++
}

// Insert makes the entry of a key that has none, with a count of 0.
func (t *Table[K, V]) Insert(key K) *Item[V] {
	if len(t.items) >= t.limit {
		t.purge()
	}
	item := &Item[V]{Missed: t.gone}
	t.items[key] = item
	return item
}

// purge lets go of the rarer half. What it takes from each of that many entries is all that
// can be missing of one key: so Gone is at most 2n/limit after n additions.
func (t *Table[K, V]) purge() {
	weights := t.spare[:0]
	for _, item := range t.items {
		weights = append(weights, item.weight)
	}
	slices.Sort(weights)
	median := weights[len(weights)/2]
	t.spare = weights
	t.gone += median
	for key, item := range t.items {
		if item.weight <= median {
			delete(t.items, key)
		} else {
			item.weight -= median
		}
	}
}

// Gone returns how often at most a key was added that has no entry.
func (t *Table[K, V]) Gone() uint64 { return t.gone }

// Len returns the number of entries.
func (t *Table[K, V]) Len() int { return len(t.items) }

// All yields the entries, in no order.
func (t *Table[K, V]) All(yield func(K, *Item[V]) bool) {
	for key, item := range t.items {
		if !yield(key, item) {
			return
		}
	}
}
