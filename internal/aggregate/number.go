package aggregate

import (
	"math"

	"github.com/muster-go/muster/profile"
)

// number is the int64 or the float64 of an event, and when it stops to count.
type number struct {
	at     int64
	bits   uint64
	double bool
}

// numberOf returns the number that v is; -0.0 becomes 0.0.
func numberOf(at int64, v profile.Value) number {
	if i, ok := v.Int(); ok {
		return number{at: at, bits: uint64(i)}
	}
	f, _ := v.Float()
	return number{at: at, bits: math.Float64bits(f + 0), double: true}
}

func (x number) time() int64 { return x.at }

func (x number) float() float64 { return math.Float64frombits(x.bits) }

func (x number) value() profile.Value {
	if x.double {
		return profile.FloatValue(x.float())
	}
	return profile.IntValue(int64(x.bits))
}
