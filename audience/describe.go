package audience

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/internal/selector"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// describe says what a node asks for, without its children.
func (n *Node) describe() string {
	switch {
	case n.All != nil:
		return "all"
	case n.Any != nil:
		return "any"
	case n.Not != nil:
		return "not"
	case n.Event != nil:
		return n.Event.describe()
	case n.Trait != "":
		return n.Trait
	case n.TraitDate != nil:
		return describeDate(n.TraitDate)
	case n.Funnel != nil:
		return describeFunnel(n.Funnel)
	case n.Users != nil:
		return n.Users.describe()
	case n.Sample != nil:
		return n.Sample.describe()
	}
	return "in " + n.Audience + n.describeTenure()
}

func (e *Event) describe() string {
	var b strings.Builder
	how := e.Count.describe()
	if !e.Distinct.IsZero() {
		how = e.Distinct.describe(e.Count)
	}
	if !e.Regularly.IsZero() {
		how = e.Regularly.describe()
	}
	fmt.Fprintf(&b, "performed %s %s", e.selector(), how)
	if e.Scope == OfGroup {
		b.WriteString(" for the group")
	}
	if e.Filter != "" {
		fmt.Fprintf(&b, " where %s", e.Filter)
	}
	b.WriteString(describeWindow(e.Window))
	return b.String()
}

// selector says which events count.
func (e *Event) selector() selector.Selector { return selector.Of(e.Name, e.Names, e.Prefix, e.Any) }

func (c Count) describe() string {
	how := "at least"
	switch c.Comparison {
	case AtMost:
		how = "at most"
	case Exactly:
		how = "exactly"
	case Range:
		return fmt.Sprintf("%d to %d times", c.N, c.Max)
	}
	n := c.N
	if c.IsZero() {
		n = 1
	}
	if n == 1 {
		return how + " once"
	}
	return fmt.Sprintf("%s %d times", how, n)
}

func describeWindow(w profile.Window) string {
	switch {
	case w.IsZero():
		return ""
	case w.Plain() && w.Min > 0:
		return " " + w.String() + " ago"
	}
	return " " + w.String()
}

func describeDate(d *trait.Date) string {
	w, name := &d.Window, d.Name
	if d.Yearly {
		name += ", each year in " + cmp.Or(d.Zone, "UTC") + ","
	}
	switch {
	case w.Next > 0:
		return fmt.Sprintf("%s in the next %s", name, profile.FormatDuration(w.Next))
	case !w.Past.IsZero():
		return name + describeWindow(w.Past)
	}
	var bounds []string
	for _, b := range []struct {
		word string
		at   interface{ IsZero() bool }
	}{{"after", w.After}, {"from", w.From}, {"before", w.Before}} {
		if !b.at.IsZero() {
			bounds = append(bounds, fmt.Sprintf("%s %v", b.word, b.at))
		}
	}
	return d.Name + " " + strings.Join(bounds, " and ")
}

func describeFunnel(f *funnel.Funnel) string {
	steps := make([]string, len(f.Steps))
	for i, s := range f.Steps {
		var b strings.Builder
		switch {
		case s.Not && s.Pending:
			b.WriteString("not yet ")
		case s.Not:
			b.WriteString("not ")
		case s.Next:
			b.WriteString("next ")
		}
		b.WriteString(selector.Of(s.Event, s.Names, s.Prefix, s.Any).String())
		if s.Filter != "" {
			fmt.Fprintf(&b, " where %s", s.Filter)
		}
		if s.Within > 0 {
			b.WriteString(" within " + profile.FormatDuration(s.Within))
		}
		if s.UntilNext {
			b.WriteString(" until the next step")
		}
		steps[i] = b.String()
	}
	return "funnel " + strings.Join(steps, ", then ") + describeWindow(f.Window)
}
