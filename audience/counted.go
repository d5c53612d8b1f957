package audience

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/internal/canonical"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/internal/near"
	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/selector"
	"github.com/muster-go/muster/internal/usage"
	"github.com/muster-go/muster/profile"
)

// Near says what events a condition that does not hold has of its name, and why they do not
// count.
type Near struct {
	Filtered int       `json:"filtered,omitempty"` // as old as it asks, that its filter does not pass
	Outside  int       `json:"outside,omitempty"`  // that its filter passes, too old or too new
	Newest   time.Time `json:"newest,omitzero"`    // of those that are outside
	// Meant is the name of events that may be meant, where nobody has sent any of the name
	// that the condition has: see Engine.Catalog; empty: none is known.
	Meant string `json:"meant,omitempty"`
	// Missing are the properties that the filter reads and none of the filtered events has.
	Missing []MissingProperty `json:"missing,omitempty"`
}

// MissingProperty is a property that no event has.
type MissingProperty struct {
	Name  string `json:"name"`
	Meant string `json:"meant,omitempty"` // one that they have and that may be meant; empty: none
}

// count counts the events of an event condition, and those that nearly count if it does not
// hold.
func (s *txn) count(x *Explained, n *network.Node) {
	saved, event, quiet := s.Input, s.Taking, s.Quiet
	s.Quiet = true
	defer func() { s.Input, s.Taking, s.Quiet = saved, event, quiet }()
	close := closeTo{missing: missingOf(n.Filter)}
	if n.Property != "" && !n.Source.OfUser {
		close.missing = append(close.missing, n.Source.Keys[0].String())
	}
	values := valuesSeen{}
	examined := 0
	for ev, err := range s.History(n, time.Time{}) {
		if err != nil {
			s.Err = err
			return
		}
		if examined++; n.Of == profile.Account && examined > MaxExamined {
			x.Partial = true
			break
		}
		s.Take(&ev)
		if !s.Counts(n) {
			continue
		}
		start, end := n.Count.Span(ev.Time.UnixNano())
		inside := start <= s.At && s.At < end
		passes := (inside || !x.Holds) && s.Passes(s.Net.UseOf(n, ev.Name), n)
		if passes && n.Distinct {
			passes = false
			for value := range s.ValuesFor(n) {
				if value.IsNull() {
					continue
				}
				if passes = true; inside {
					values.add(n, value, ev.Time)
				}
			}
		}
		if !inside || !passes {
			close.add(&ev, inside, passes)
			continue
		}
		x.Count++
		x.Events = append(x.Events, s.seen(n, &n.Events[0], &ev))
		if len(x.Events) >= 2*MaxSeen {
			x.Events = newestOf(x.Events)
		}
	}
	x.Events = newestOf(x.Events)
	counted := x.Count
	if n.Distinct {
		x.Distinct, x.Values = len(values), values.newest()
		counted = x.Distinct
	}
	if !x.Holds && counted < n.Count.Min {
		x.Near = close.near(s.e.fields)
		if name := n.Events[0].Name(); examined == 0 && name != "" {
			x.Near.Meant = s.e.fields.MeantEvent(name)
		}
	}
}

// valuesSeen are the distinct values of events, by what makes them equal.
type valuesSeen map[string]valueSeen

type valueSeen struct {
	value profile.Value
	last  time.Time
}

func (vs valuesSeen) add(n *network.Node, v profile.Value, at time.Time) {
	key := string(canonical.Append(nil, v))
	if seen, ok := vs[key]; ok && !at.After(seen.last) {
		return
	}
	if begin, ok := v.Int(); ok && n.Units != nil {
		v = profile.StringValue(n.Units.Text(begin))
	}
	vs[key] = valueSeen{v, at}
}

// newest returns those of the newest events, MaxSeen at most, newest first.
func (vs valuesSeen) newest() (values []profile.Value) {
	all := slices.Collect(maps.Values(vs))
	slices.SortFunc(all, func(a, b valueSeen) int { return cmp.Or(b.last.Compare(a.last), a.value.Compare(b.value)) })
	for _, seen := range all[:min(len(all), MaxSeen)] {
		values = append(values, seen.value)
	}
	return values
}

// seen returns an event of a node, to be shown, of those that a selector takes.
func (s *txn) seen(n *network.Node, of *selector.Selector, ev *profile.Event) Seen {
	seen := Seen{Time: ev.Time, MessageID: ev.MessageID}
	if of.Name() == "" {
		seen.Name = ev.Name
	}
	if n.Of == profile.Account {
		seen.User = ev.Profile
	}
	return seen
}

// closeTo gathers the events that nearly count.
type closeTo struct {
	Near
	missing []string // the properties that none of them has so far
	first   *profile.Event
}

// missingOf returns the properties that a filter reads by name.
func missingOf(f *celfilter.Filter) []string {
	if f == nil {
		return nil
	}
	names, _ := f.Properties()
	return slices.Clone(names)
}

// add adds an event that is as old as is asked, or passes the filter, but not both.
func (c *closeTo) add(ev *profile.Event, inside, passes bool) {
	switch {
	case passes:
		c.Outside++
		if ev.Time.After(c.Newest) {
			c.Newest = ev.Time
		}
	case inside:
		c.Filtered++
		c.missing = slices.DeleteFunc(c.missing, func(name string) bool {
			_, has := ev.Properties.Get(name)
			return has
		})
		if c.first == nil {
			first := *ev
			c.first = &first
		}
	}
}

// near returns what there was.
func (c *closeTo) near(known *usage.Fields) Near {
	if c.first != nil {
		for _, name := range c.missing {
			meant, ok := near.Field(name, c.first.Properties.All())
			if !ok {
				meant = known.MeantField(usage.Group{Event: c.first.Name}, name)
			}
			c.Missing = append(c.Missing, MissingProperty{name, meant})
		}
	}
	return c.Near
}

// write writes what there was, for people.
func (n *Near) write(b *strings.Builder, indent string) {
	if n.Meant != "" {
		fmt.Fprintf(b, "%snobody has sent any, did you mean %q?\n", indent, n.Meant)
	}
	if n.Filtered > 0 {
		fmt.Fprintf(b, "%s%s filtered out", indent, plural(n.Filtered, "event"))
		for i, m := range n.Missing {
			if i == 0 {
				b.WriteString(": ")
			} else {
				b.WriteString(", ")
			}
			fmt.Fprintf(b, "no %q", m.Name)
			if m.Meant != "" {
				fmt.Fprintf(b, " (did you mean %q?)", m.Meant)
			}
		}
		b.WriteByte('\n')
	}
	if n.Outside > 0 {
		fmt.Fprintf(b, "%s%s at other times, the newest %s\n", indent, plural(n.Outside, "event"), n.Newest.UTC().Format(time.RFC3339Nano))
	}
}
