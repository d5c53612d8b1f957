package aggregate

import (
	"github.com/muster-go/muster/internal/canonical"
	"github.com/muster-go/muster/internal/horizon"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// newTally returns what the type of c keeps; windowed says that events stop to count.
func newTally(c trait.Computed, windowed bool) tally {
	switch c.Type {
	case trait.TypeCount:
		return &count{windowed: windowed}
	case trait.TypeSum, trait.TypeAverage:
		return &sum{windowed: windowed, mean: c.Type == trait.TypeAverage}
	case trait.TypeMin, trait.TypeMax:
		if windowed {
			return newStaircase(c.Type == trait.TypeMax)
		}
		return &record{greatest: c.Type == trait.TypeMax}
	case trait.TypeMostFrequent:
		enough := c.MinFrequency
		if enough == 0 {
			enough = trait.DefaultFrequency
		}
		return newFrequent(enough, windowed)
	case trait.TypeFirst:
		if windowed {
			return newFirst()
		}
		return &earliest{}
	case trait.TypeLast:
		return &last{}
	case trait.TypeUniqueList:
		return newUniqueList(windowed)
	case trait.TypeFirstTime:
		if windowed {
			return &firstTime{*newFirst()}
		}
		return &earliestTime{}
	case trait.TypeLastTime:
		return &lastTime{}
	case trait.TypeUniqueListCount, trait.TypeUniqueDays:
		return &uniqueCount{unique{windowed: windowed}}
	}
	return none{}
}

// none is the tally of a definition that is not valid: always absent.
type none struct{}

func (none) add(int64, int64, profile.Value) {}
func (none) expire(int64)                    {}
func (none) value() profile.Value            { return profile.Value{} }
func (none) ends() int64                     { return horizon.Never }

// counts reports whether an event with value v counts for the type.
func counts(t trait.Type, v profile.Value) bool {
	switch {
	case t == trait.TypeCount, timely(t):
		return true
	case numeric(t):
		_, ok := v.Float()
		return ok
	}
	return rememberable(v)
}

// detached returns what the type needs of v, in memory of its own.
func detached(t trait.Type, v profile.Value) profile.Value {
	switch {
	case t == trait.TypeCount, timely(t):
		return profile.Value{}
	case numeric(t):
		return v
	}
	return canonical.Copy(v)
}

// timely reports whether only the time of an event counts for the type.
func timely(t trait.Type) bool { return t == trait.TypeFirstTime || t == trait.TypeLastTime }

// numeric reports whether only numbers count for the type.
func numeric(t trait.Type) bool { return t >= trait.TypeSum && t <= trait.TypeAverage }
