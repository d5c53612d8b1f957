package trait

import (
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
)

// newState returns what the type of c keeps.
func newState(c Computed) state {
	windowed := !c.Window.IsZero()
	switch c.Type {
	case TypeCount:
		return &count{windowed: windowed}
	case TypeSum, TypeAverage:
		return &sum{windowed: windowed, mean: c.Type == TypeAverage}
	case TypeMin, TypeMax:
		if windowed {
			return newStaircase(c.Type == TypeMax)
		}
		return &record{greatest: c.Type == TypeMax}
	case TypeMostFrequent:
		enough := c.MinFrequency
		if enough == 0 {
			enough = DefaultFrequency
		}
		return newFrequent(enough, windowed)
	case TypeFirst:
		if windowed {
			return newFirst()
		}
		return &earliest{}
	case TypeLast:
		return &last{}
	case TypeUniqueList:
		return newUniqueList(windowed)
	case TypeUniqueListCount:
		return &uniqueCount{unique{windowed: windowed}}
	}
	return none{}
}

// none is the state of a definition that is not valid: always absent.
type none struct{}

func (none) add(int64, profile.Value) {}
func (none) expire(int64)             {}
func (none) value() profile.Value     { return profile.Value{} }
func (none) oldest() int64            { return horizon.Never }

// counts reports whether an event with value v counts for the type.
func (t Type) counts(v profile.Value) bool {
	switch {
	case t == TypeCount:
		return true
	case t.numeric():
		_, ok := v.Float()
		return ok
	}
	return rememberable(v)
}

// detached returns what the type needs of v, in memory of its own.
func (t Type) detached(v profile.Value) profile.Value {
	switch {
	case t == TypeCount:
		return profile.Value{}
	case t.numeric():
		return v
	}
	return canonicalCopy(v)
}
