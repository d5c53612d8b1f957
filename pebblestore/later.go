package pebblestore

import (
	"bytes"
	"slices"
)

// later are changes of indexes that a transaction makes behind those of profiles' own
// rows. Rows that lie together go into Pebble's memory one after the other, which costs a
// fraction of going there and back: that is most of what a commit costs.
type later struct {
	bytes []byte // keys, and values, one behind the other
	ops   []laterOp
}

type laterOp struct {
	key, value, end int // where they begin in bytes
	remove          bool
}

func (l *later) key(op laterOp) []byte { return l.bytes[op.key:op.value] }

// setLater sets a row of an index.
func (tx *tx) setLater(key, value []byte) {
	l := &tx.later
	at := len(l.bytes)
	l.bytes = append(append(l.bytes, key...), value...)
	l.ops = append(l.ops, laterOp{at, at + len(key), len(l.bytes), false})
}

// deleteLater removes a row of an index.
func (tx *tx) deleteLater(key []byte) {
	tx.setLater(key, nil)
	tx.later.ops[len(tx.later.ops)-1].remove = true
}

// flushLater makes the changes of indexes, in the order of the keys; those of one key in
// their order.
func (tx *tx) flushLater() {
	l := &tx.later
	slices.SortStableFunc(l.ops, func(a, b laterOp) int { return bytes.Compare(l.key(a), l.key(b)) })
	for _, op := range l.ops {
		if op.remove {
			tx.delete(l.key(op))
		} else {
			tx.set(l.key(op), l.bytes[op.value:op.end])
		}
	}
	l.bytes, l.ops = l.bytes[:0], l.ops[:0]
}
