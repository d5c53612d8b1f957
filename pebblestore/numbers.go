package pebblestore

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Audiences and computed traits have numbers, which stand for their keys in rows. To drop
// all members of an audience its number is given up: rows that have it mean nothing from
// then on, and the next member makes the key another number. A number is never given
// twice.

type numberKind byte

const (
	numberAudience numberKind = 'm'
	numberTrait    numberKind = 'v'
)

// numbered is what a number stands for.
type numbered struct {
	kind numberKind
	dead bool // it was given up
	key  string
}

// numbers are all numbers at one instant. It is replaced, never changed in place.
type numbers struct {
	list []numbered // by number
	of   map[numbered]uint32
}

func newNumbers() *numbers { return &numbers{of: map[numbered]uint32{}} }

// find returns the number of a key that has one.
func (n *numbers) find(kind numberKind, key string) (uint32, bool) {
	number, ok := n.of[numbered{kind: kind, key: key}]
	return number, ok
}

// key returns the key that a number stands for; ok is false if it was given up.
func (n *numbers) key(number uint32) (key string, ok bool) {
	if int(number) >= len(n.list) {
		return "", false
	}
	k := &n.list[number]
	return k.key, !k.dead
}

// with returns the numbers with one more.
func (n *numbers) with(kind numberKind, key string) (*numbers, uint32) {
	number := uint32(len(n.list))
	more := &numbers{list: append(slices.Clip(n.list), numbered{kind: kind, key: key}), of: maps.Clone(n.of)}
	more.of[more.list[number]] = number
	return more, number
}

// without returns the numbers with one given up.
func (n *numbers) without(number uint32) *numbers {
	less := &numbers{list: slices.Clone(n.list), of: maps.Clone(n.of)}
	delete(less.of, less.list[number])
	less.list[number].dead = true
	return less
}

// row is what is kept of a number.
func (k numbered) row() []byte {
	b := []byte{byte(k.kind), 0}
	if k.dead {
		b[1] = 1
	}
	return append(b, k.key...)
}

func readNumbered(b []byte) (k numbered, err error) {
	if len(b) < 3 || b[0] != byte(numberAudience) && b[0] != byte(numberTrait) || b[1] > 1 {
		return k, errRow
	}
	return numbered{kind: numberKind(b[0]), dead: b[1] == 1, key: string(b[2:])}, nil
}

// readNumbers reads the numbers that a store has.
func readNumbers(r pebble.Reader) (*numbers, error) {
	n := newNumbers()
	err := eachRow(r, []byte{spaceNumbers}, func(key, value []byte) error {
		k, err := readNumbered(value)
		if err != nil {
			return damaged(key, err)
		}
		if number := len(n.list); string(key) != string(appendNumbered(nil, spaceNumbers, uint32(number))) {
			return damaged(key, fmt.Errorf("number %d is missing", number))
		}
		if !k.dead {
			n.of[k] = uint32(len(n.list))
		}
		n.list = append(n.list, k)
		return nil
	})
	return n, err
}

// eachRow calls do for each row whose key begins with prefix. What it gets holds until it
// returns.
func eachRow(r pebble.Reader, prefix []byte, do func(key, value []byte) error) error {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: keyAfter(prefix)})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err == nil {
			err = do(it.Key(), value)
		}
		if err != nil {
			_ = it.Close() // what it says came later
			return err
		}
	}
	return it.Close()
}

// row returns a copy of the row of a key, nil if there is none.
func row(r pebble.Reader, key []byte) ([]byte, error) {
	value, closer, err := r.Get(key)
	if err == pebble.ErrNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	value = append(make([]byte, 0, len(value)), value...)
	return value, closer.Close()
}
