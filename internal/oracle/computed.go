package oracle

import (
	"cmp"
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// computed is a computed trait that exists.
type computed struct {
	definition trait.Computed
	since      int // only what arrived later counts
}

// sample is what an event that counts has for a computed trait.
type sample struct {
	time  int64
	value profile.Value
}

// value returns what the profile has of a computed trait, null if there is none.
// The limits on the size of values are left out.
func (v view) value(key string) profile.Value {
	c, ok := v.world.traits[key]
	if !ok || c.definition.Of != v.ref.Subject || !v.exists() {
		return profile.Value{}
	}
	p := pair{v.ref, key}
	value, known := v.memo.values[p]
	switch {
	case known:
	case c.definition.Type == trait.TypeFormula:
		value = v.formula(c)
		v.memo.values[p] = value
	default:
		samples := v.samples(c)
		slices.SortFunc(samples, func(a, b sample) int {
			return cmp.Or(cmp.Compare(a.time, b.time), a.value.Compare(b.value))
		})
		value = valueOf(c.definition, samples)
		v.memo.values[p] = value
	}
	return value
}

// formula returns what a formula makes of the traits as they are.
func (v view) formula(c computed) profile.Value {
	source := c.definition.Formula
	sees := v.scopes(source, c.since)[0] // there is but one, as it reads no account of a user
	in := celfilter.Plain{Traits: sees.own, Account: sees.account, ID: sees.id, IDs: sees.ids}
	value, ok := compiled("formula", source, nil).ReferenceValue(in)
	if !ok {
		return profile.Value{}
	}
	return value
}

// samples returns those that count. A property of an account's may be a trait of
// the user.
func (v view) samples(c computed) []sample {
	var all []sample
	d := &c.definition
	for _, of := range v.matching(ofTrait(d), d.Filter, d.Window, audience.OfUsers, c.since) {
		in, path := of.track.Event.Properties.Map(), d.Property
		if name, ok := strings.CutPrefix(path, "user.traits."); ok && d.Of == profile.Account {
			in, path = v.of(of.user).traits(c.since).plain(), name
		}
		for _, value := range valuesOfEvent(d, of.time(), in, path) {
			all = appendSample(all, d.Type, of.message, value)
		}
	}
	return all
}

// valuesOfEvent returns what an event has for a computed trait.
func valuesOfEvent(d *trait.Computed, at int64, in map[string]any, path string) []profile.Value {
	switch d.Type {
	case trait.TypeFirstTime, trait.TypeLastTime:
		return []profile.Value{profile.StringValue(time.Unix(0, at).UTC().Format(time.RFC3339Nano))}
	case trait.TypeUniqueDays:
		return []profile.Value{profile.IntValue(int64(unitOf(profile.UnitDay, dayOf(at, zoneOf(d.Zone)))))}
	case trait.TypeCount:
		return []profile.Value{{}}
	}
	return packed(properties(in, keysOf(path)))
}

func packed(values []any) (all []profile.Value) {
	for _, v := range values {
		all = append(all, pack(v))
	}
	return all
}

// appendSample appends that of an event with a value, if it counts for a type.
func appendSample(samples []sample, t trait.Type, m message, value profile.Value) []sample {
	switch {
	case t == trait.TypeCount:
		value = profile.Value{}
	case !numbered(t, value):
		return samples
	case !numeric(t):
		value = pack(whole(value.Any()))
	default:
		value = pack(nearest(value.Any()))
	}
	return append(samples, sample{m.track.Event.Time.UnixNano(), value})
}

// keyOf is a part of a path: a key in quotes and brackets, the elements of a list, or a key.
var keyOf = regexp.MustCompile(`\["(?:[^"\\]|\\.)*"\]|\[\]|[^.\[\]]+`)

func keysOf(path string) []string { return keyOf.FindAllString(path, -1) }

// properties returns what there is at a path in a value, none if nothing.
func properties(of any, path []string) []any {
	if of == nil {
		return nil
	}
	if len(path) == 0 {
		return []any{of}
	}
	if path[0] == "[]" {
		var all []any
		list, _ := of.([]any)
		for _, element := range list {
			all = append(all, properties(element, path[1:])...)
		}
		return all
	}
	key := path[0]
	if key[0] == '[' {
		if err := json.Unmarshal([]byte(key[1:len(key)-1]), &key); err != nil {
			panic(err) // the definition was checked
		}
	}
	m, _ := of.(map[string]any)
	return properties(m[key], path[1:])
}

func numeric(t trait.Type) bool {
	return slices.Contains([]trait.Type{trait.TypeSum, trait.TypeAverage, trait.TypeMin, trait.TypeMax}, t)
}

func numbered(t trait.Type, v profile.Value) bool {
	if numeric(t) {
		return v.Kind() == profile.Int || v.Kind() == profile.Float
	}
	return !v.IsNull()
}

// whole returns v with doubles that are an int64 as such, on all levels: values
// that are equal become the same.
func whole(v any) any {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && v >= math.MinInt64 && v < math.MaxInt64 {
			return int64(v)
		}
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = whole(v[key])
		}
	}
	return v
}

// nearest returns a number beyond int64 as it is calculated with: rounded to a double.
func nearest(v any) any {
	if n, ok := v.(json.Number); ok {
		f, err := n.Float64()
		if err != nil {
			panic(err) // it was part of an event
		}
		return f
	}
	return v
}

func pack(v any) profile.Value {
	packed, err := profile.NewValue(v)
	if err != nil {
		panic(err) // it was part of an event
	}
	return packed
}

// valueOf returns what a computed trait makes of samples in order.
func valueOf(c trait.Computed, samples []sample) profile.Value {
	if len(samples) == 0 {
		return profile.Value{}
	}
	switch c.Type {
	case trait.TypeCount:
		return profile.IntValue(int64(len(samples)))
	case trait.TypeSum:
		return sum(samples)
	case trait.TypeAverage:
		mean, _ := new(big.Rat).Quo(total(samples), big.NewRat(int64(len(samples)), 1)).Float64()
		return profile.FloatValue(mean)
	case trait.TypeMin:
		return extreme(samples, -1)
	case trait.TypeMax:
		return extreme(samples, 1)
	case trait.TypeFirst, trait.TypeFirstTime:
		return samples[0].value
	case trait.TypeLast, trait.TypeLastTime:
		return samples[len(samples)-1].value
	case trait.TypeMostFrequent:
		return mostFrequent(samples, cmp.Or(c.MinFrequency, 2))
	case trait.TypeUniqueList:
		var list []profile.Value
		for _, run := range runs(samples) {
			list = append(list, run[0].value)
		}
		return profile.ListValue(list...)
	case trait.TypeUniqueListCount, trait.TypeUniqueDays:
		return profile.IntValue(int64(len(runs(samples))))
	}
	panic("oracle: unknown type of computed trait")
}

// total is exact in decimal: a double is the number that it is written as.
func total(samples []sample) *big.Rat {
	sum := new(big.Rat)
	for _, s := range samples {
		x, ok := new(big.Rat).SetString(s.value.String())
		if !ok {
			panic("oracle: no number: " + s.value.String())
		}
		sum.Add(sum, x)
	}
	return sum
}

// sum is an int if all numbers are and it fits; beyond the doubles it is null.
func sum(samples []sample) profile.Value {
	sum := total(samples)
	double := func(s sample) bool { return s.value.Kind() == profile.Float }
	if !slices.ContainsFunc(samples, double) && sum.Num().IsInt64() {
		return profile.IntValue(sum.Num().Int64())
	}
	f, _ := sum.Float64()
	return profile.FloatValue(f)
}

// extreme returns the least (sign -1) or greatest (sign 1) number; of those
// that are equal an int, if there is one, and of the zeros the positive one.
func extreme(samples []sample, sign int) profile.Value {
	best := slices.MaxFunc(samples, func(a, b sample) int {
		return cmp.Or(sign*a.value.Compare(b.value), -cmp.Compare(a.value.Kind(), b.value.Kind()))
	})
	if f, _ := best.value.Float(); f == 0 && best.value.Kind() == profile.Float {
		return profile.FloatValue(0)
	}
	return best.value
}

// mostFrequent returns the first in sort order of the values seen most often,
// if that is often enough.
func mostFrequent(samples []sample, enough int) profile.Value {
	var best []sample
	for _, run := range runs(samples) {
		if len(run) > len(best) {
			best = run
		}
	}
	if len(best) < enough {
		return profile.Value{}
	}
	return best[0].value
}

// runs returns the samples in groups of one value each, in sort order.
func runs(samples []sample) [][]sample {
	samples = slices.Clone(samples)
	slices.SortFunc(samples, func(a, b sample) int { return a.value.Compare(b.value) })
	var groups [][]sample
	for i, s := range samples {
		if i == 0 || !s.value.Equal(samples[i-1].value) {
			groups = append(groups, nil)
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], s)
	}
	return groups
}

// same reports whether two values of a computed trait are no change.
func same(a, b profile.Value) bool { return a.Kind() == b.Kind() && a.Equal(b) }
