package oracle

import (
	"cmp"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// view is what can be known of one profile at one instant.
type view struct {
	world   *world
	filters *filters
	ref     profile.Ref
	person  *person                      // nobody if there is no such profile
	t       int64                        // Unix nanoseconds
	told    map[pair]audience.Transition // how members have entered; nil: not known
	memo    *memo                        // of the instant
}

// memo is what was found out of any profile at one instant.
type memo struct {
	values  map[pair]profile.Value // of computed traits
	members map[pair]bool
	scopes  map[occasion][]scope
}

var nobody = &person{}

// at returns the view at another instant.
func (v view) at(t int64) view {
	v.t = t
	v.memo = &memo{map[pair]profile.Value{}, map[pair]bool{}, map[occasion][]scope{}}
	return v
}

// of returns the view of another profile.
func (v view) of(ref profile.Ref) view {
	v.ref, v.person = ref, cmp.Or(v.world.profiles(ref.Subject)[ref.ID], nobody)
	return v
}

func (v view) exists() bool { return v.person != nobody }

// accounts returns the views of those that a user is attached to.
func (v view) accounts() []view {
	var all []view
	for id := range v.person.accounts {
		all = append(all, v.of(profile.AccountRef(id)))
	}
	return all
}

// users returns the views of those who are attached to an account.
func (v view) users() []view {
	var all []view
	for id, p := range v.world.people {
		if p.accounts[v.ref.ID] {
			all = append(all, v.of(profile.UserRef(id)))
		}
	}
	return all
}

// belongs reports whether the subscriber is to know that the profile is in the
// audience of a key. Users are in one of accounts if that is told per user.
func (v view) belongs(key string) bool {
	a, ok := v.world.audiences[key]
	return ok && v.exists() && (a.definition.Of == v.ref.Subject || a.definition.PerUser) && v.in(key)
}

// in reports whether the profile is in the audience of a key, or a user in an
// account that is.
func (v view) in(key string) bool {
	a := v.world.audiences[key]
	if a.definition.Of != v.ref.Subject {
		return slices.ContainsFunc(v.accounts(), func(of view) bool { return of.in(key) })
	}
	if members, batch := v.world.frozen[key]; batch {
		return members[v.ref]
	}
	p := pair{v.ref, key}
	is, known := v.memo.members[p]
	if !known {
		is = v.holds(a.definition.Where, a.since)
		v.memo.members[p] = is
	}
	return is
}

// holds answers a condition, of which only what arrived after since counts.
func (v view) holds(n audience.Node, since int) bool {
	switch {
	case n.All != nil:
		for _, c := range n.All {
			if !v.holds(c, since) {
				return false
			}
		}
		return true
	case n.Any != nil:
		for _, c := range n.Any {
			if v.holds(c, since) {
				return true
			}
		}
		return false
	case n.Not != nil:
		return !v.holds(*n.Not, since)
	case n.Event != nil:
		e := n.Event
		if r := e.Regularly; !r.IsZero() {
			return v.periods(e, since) >= r.AtLeast
		}
		if by := e.Distinct; !by.IsZero() {
			return compare(e.Count, v.distinct(e, since))
		}
		return compare(e.Count, len(v.matching(ofEvent(e), e.Filter, e.Window, e.Scope, since)))
	case n.Funnel != nil:
		return v.follows(n.Funnel, since)
	case n.Trait != "":
		return slices.ContainsFunc(v.scopes(n.Trait, since), func(sees scope) bool {
			return v.filters.traits(n.Trait, sees)
		})
	case n.TraitDate != nil:
		return v.date(n.TraitDate, since)
	case n.Users != nil:
		return v.quantify(n.Users, since)
	case n.Sample != nil:
		return v.sampled(n.Sample)
	}
	if n.For > 0 || n.ForLess > 0 {
		return v.stays(n)
	}
	return v.in(n.Audience) // which has its own since
}

// distinct counts the values that matching events have.
func (v view) distinct(e *audience.Event, since int) int {
	var all []sample
	for _, of := range v.matching(ofEvent(e), e.Filter, e.Window, e.Scope, since) {
		in := of.track.Event.Properties.Map()
		path, isProperty := strings.CutPrefix(e.Distinct.By, "properties") // .sku or ["sku"]
		var values []profile.Value
		if name, ofUser := strings.CutPrefix(e.Distinct.By, "user.traits."); ofUser {
			values = packed(properties(v.of(of.user).traits(since).plain(), keysOf(name)))
		} else if isProperty {
			values = packed(properties(in, keysOf(strings.TrimPrefix(path, "."))))
		} else {
			unit, _ := profile.ParseUnit(e.Distinct.By) // it was checked
			values = append(values, profile.IntValue(int64(unitOf(unit, dayOf(of.time(), zoneOf(e.Distinct.Zone))))))
		}
		for _, value := range values {
			all = appendSample(all, trait.TypeUniqueListCount, of.message, value)
		}
	}
	return len(runs(all))
}

// stays reports whether the profile has been in an audience for as long as is asked for, by
// the instants that were told, or a user has an account that has.
func (v view) stays(n audience.Node) bool {
	if of := v.world.audiences[n.Audience].definition.Of; of != v.ref.Subject {
		return slices.ContainsFunc(v.accounts(), func(a view) bool { return a.stays(n) })
	}
	if !v.in(n.Audience) {
		return false
	}
	var age int64 // who enters now
	if entered, ok := v.told[pair{v.ref, n.Audience}]; ok {
		age = v.t - entered.At.UnixNano()
	}
	return age >= int64(n.For) && (n.ForLess == 0 || age < int64(n.ForLess))
}

// quantify answers a condition on the users of an account.
func (v view) quantify(u *audience.Users, since int) bool {
	met, missed := 0, 0
	for _, user := range v.users() {
		if user.holds(*cmp.Or(u.Any, u.All, u.None, u.Where), since) {
			met++
		} else {
			missed++
		}
	}
	switch {
	case u.Any != nil:
		return met > 0
	case u.All != nil:
		return met > 0 && missed == 0
	case u.AtLeast > 0:
		return met >= u.AtLeast
	case u.AtLeastPercent > 0:
		wanted, _ := new(big.Rat).SetString(strconv.FormatFloat(u.AtLeastPercent, 'f', -1, 64)) // it is a number
		return met+missed > 0 && big.NewRat(int64(100*met), int64(met+missed)).Cmp(wanted) >= 0
	}
	return met == 0
}

// periods counts the periods with an event.
func (v view) periods(e *audience.Event, since int) int {
	periods := map[int64]bool{}
	for _, d := range v.matching(ofEvent(e), e.Filter, profile.Window{}, e.Scope, since) {
		if i := (v.t - d.time()) / int64(e.Regularly.Of); i < int64(e.Regularly.Periods) {
			periods[i] = true
		}
	}
	return len(periods)
}

func compare(c audience.Count, n int) bool {
	switch {
	case c == audience.Count{}:
		return n >= 1
	case c.Comparison == audience.AtMost:
		return n <= c.N
	case c.Comparison == audience.Exactly:
		return n == c.N
	case c.Comparison == audience.Range:
		return n >= c.N && n <= c.Max
	}
	return n >= c.N
}
