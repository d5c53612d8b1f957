package audience

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/muster-go/muster/internal/property"
	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/profile"
)

// Distinct has the different values counted that events have, each once: those of a property, or
// the days, weeks or months that they are of. Values are told apart as by trait.UniqueListCount:
// 1 and 1.0 are one, and an event without the property, or where it is null, has none. The zero
// Distinct counts events.
type Distinct struct {
	// By is a property, "properties.sku", "properties.address.city", "properties.items[].sku" or
	// properties["the sku"]; of accounts also a trait of the user whose event it is,
	// "user.traits.email"; or "day", "week" or "month".
	By   string `json:"by"`
	Zone string `json:"zone,omitempty"` // whose clock says which day it is; empty: UTC
}

// IsZero reports whether d counts events.
func (d Distinct) IsZero() bool { return d == Distinct{} }

// cutProperties returns the path of a property within the properties of an event, as a
// trait.Computed has it: of properties.sku or properties["sku"].
func cutProperties(by string) (path string, inEvent bool) {
	rest, of := strings.CutPrefix(by, "properties")
	switch {
	case of && strings.HasPrefix(rest, "."):
		return rest[1:], true
	case of && strings.HasPrefix(rest, "["):
		return rest, true
	}
	return by, false
}

// unit returns the unit of the calendar that is counted, if it is one.
func (d Distinct) unit() profile.Unit {
	switch unit, _ := profile.ParseUnit(d.By); unit {
	case profile.UnitDay, profile.UnitWeek, profile.UnitMonth:
		return unit
	}
	return profile.NoUnit
}

// Source returns what is read of events, as a trait.Computed has it in Property: "sku",
// "user.traits.email"; empty where events or units of the calendar are counted.
func (d Distinct) Source() string {
	if d.unit() != profile.NoUnit {
		return ""
	}
	path, _ := cutProperties(d.By)
	return path
}

// source returns where the values are. The error is one at a field.
func (d Distinct) source(of profile.Subject) (property.Source, error) {
	if d.unit() != profile.NoUnit {
		if _, err := profile.LoadZone(d.Zone); err != nil {
			return property.Source{}, strictjson.At("zone", err)
		}
		return property.Source{}, nil
	}
	fail := func(err error) (property.Source, error) { return property.Source{}, strictjson.At("by", err) }
	path, inEvent := cutProperties(d.By)
	if err := profile.CheckID("property", path); err != nil {
		return fail(err)
	}
	source, err := property.Parse(path)
	switch {
	case err != nil:
		return fail(err)
	case inEvent == source.OfUser:
		return fail(fmt.Errorf(`%w: %q, want a property as "properties.sku", "day", "week" or "month"`, profile.ErrInvalid, d.By))
	case source.OfUser && of != profile.Account:
		return fail(fmt.Errorf("%w: %q is only for audiences of accounts", profile.ErrInvalid, d.By))
	case d.Zone != "":
		return property.Source{}, strictjson.At("zone", fmt.Errorf("%w: a property has none", profile.ErrInvalid))
	}
	return source, nil
}

// distinct checks what is counted of events.
func (pl *planner) distinct(e *Event) (property.Source, error) {
	if e.Distinct.IsZero() {
		return property.Source{}, nil
	}
	if !e.Regularly.IsZero() {
		return property.Source{}, strictjson.At("by", fmt.Errorf("%w: regularly counts periods", profile.ErrInvalid))
	}
	source, err := e.Distinct.source(pl.of)
	if err == nil && source.OfUser && pl.isOf(profile.User, source.Keys[0].String()) {
		err = strictjson.At("by", errActor(source.Keys[0].String()))
	}
	return source, err
}

// atField returns the path and the reason of an error at a field.
func atField(err error) (path string, reason error) {
	if at := (*strictjson.Error)(nil); errors.As(err, &at) {
		return "." + at.Path, at.Err
	}
	return "", err
}

// describe says of what a count is: "on at least 3 days in Europe/Berlin".
func (d Distinct) describe(c Count) string {
	min, max := c.bounds()
	how := fmt.Sprintf("at least %d", min)
	switch {
	case c.Comparison == Exactly:
		how = fmt.Sprintf("exactly %d", min)
	case c.Comparison == AtMost:
		how = fmt.Sprintf("at most %d", max)
	case c.Comparison == Range:
		how = fmt.Sprintf("%d to %d", min, max)
	}
	unit := d.unit()
	if unit == profile.NoUnit {
		return "with " + how + " different " + d.By
	}
	what := unit.String()
	if how != "at least 1" && how != "at most 1" && how != "exactly 1" {
		what += "s"
	}
	on := "in"
	if unit == profile.UnitDay {
		on = "on"
	}
	return fmt.Sprintf("%s %s %s in %s", on, how, what, cmp.Or(d.Zone, "UTC"))
}

// DistinctBy returns e counting the different values of a property, "properties.sku", instead of
// events; see Distinct.
func (e Event) DistinctBy(property string) Event {
	e.Distinct = Distinct{By: property}
	return e
}

// OnDays returns e counting days with an event instead of events, as clocks in a zone show them:
// Performed("Login").OnDays("Europe/Berlin").AtLeast(3).Within(7*profile.Day).
func (e Event) OnDays(zone string) Event { return e.inUnits("day", zone) }

// InWeeks returns e counting weeks with an event, from Monday on; see OnDays.
func (e Event) InWeeks(zone string) Event { return e.inUnits("week", zone) }

// InMonths returns e counting months with an event; see OnDays.
func (e Event) InMonths(zone string) Event { return e.inUnits("month", zone) }

func (e Event) inUnits(by, zone string) Event {
	e.Distinct = Distinct{By: by, Zone: zone}
	return e
}
