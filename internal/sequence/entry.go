package sequence

import (
	"cmp"
	"math/bits"

	"github.com/muster-go/muster/funnel"
)

// entry is an event in a list; of those at one time one is enough.
type entry struct {
	place
	instance
}

// place is one of the lists: its key, with the step and the list in the byte
// that a key leaves free. So a place is a number, of 128 bits, and the lists of
// a key are next to one another, by step.
type place struct{ high, low uint64 }

// list is where an entry is. Of a step that is not to follow there are only
// those to come and those reached.
type list uint8

const (
	coming  list = iota // dated after now
	waiting             // it has happened, but does not count yet
	open                // no event of the step before is near enough before it
	reached
)

const (
	listBits = 2
	stepBits = 6
	_        = uint(1<<stepBits - funnel.MaxSteps) // every step has a number
)

// place returns the list of a step of a key.
func (k key) place(step int, l list) place {
	return place{k.high, k.low | uint64(step)<<listBits | uint64(l)}
}

func (p place) key() key   { return key{p.high, p.low &^ (1<<(listBits+stepBits) - 1)} }
func (p place) step() int  { return int(p.low >> listBits & (1<<stepBits - 1)) }
func (p place) list() list { return list(p.low & (1<<listBits - 1)) }

// in returns the entry in another list of its step.
func (e entry) in(l list) entry {
	e.low = e.low&^(1<<listBits-1) | uint64(l)
	return e
}

// compare orders entries by place, and those of one place by time.
func (e entry) compare(f entry) int {
	switch {
	case e.high != f.high:
		return cmp.Compare(e.high, f.high)
	case e.low != f.low:
		return cmp.Compare(e.low, f.low)
	}
	return cmp.Compare(e.at, f.at)
}

// seek halves what is left without a branch that could be foreseen wrongly.
func (e entry) seek(all []entry) (index int, found bool) {
	for n := len(all); n > 0; {
		half := (n + 1) / 2
		index += half & -int(all[index+half-1].less(&e))
		n -= half
	}
	return index, index < len(all) && all[index].place == e.place && all[index].at == e.at
}

// less returns 1 if e is less than f, else 0: that is what a subtraction of the
// numbers that they are has to borrow.
func (e *entry) less(f *entry) uint64 {
	const signed = 1 << 63
	_, borrow := bits.Sub64(uint64(e.at)^signed, uint64(f.at)^signed, 0)
	_, borrow = bits.Sub64(e.low, f.low, borrow)
	_, borrow = bits.Sub64(e.high, f.high, borrow)
	return borrow
}
