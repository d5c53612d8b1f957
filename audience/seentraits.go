package audience

import (
	"fmt"
	"slices"
	"strings"

	"github.com/muster-go/muster/internal/network"
	"github.com/muster-go/muster/internal/state"
	"github.com/muster-go/muster/profile"
)

// SeenTrait is a trait as it was read; null if there is none.
type SeenTrait struct {
	Name  string        `json:"name"`
	Value profile.Value `json:"value"`
	// Unreadable says that the condition asks for a date, and the value is none.
	Unreadable bool `json:"unreadable,omitempty"`
	// Meant is a trait that may be meant, where nobody has this one: see Engine.Catalog.
	Meant string `json:"meant,omitempty"`
	// Formula is the expression of a computed trait that is one, and Reads the traits that it
	// names, as it sees them. Of the formulas that a condition reads, by others too, each has
	// these once.
	Formula string      `json:"formula,omitempty"`
	Reads   []SeenTrait `json:"reads,omitempty"`
}

// seenTraits returns the traits that a leaf names, as it sees them.
func (s *txn) seenTraits(n *network.Node) []SeenTrait {
	return s.seenBy(n, map[*network.Node]bool{})
}

// seenBy is seenTraits where some formulas are shown already.
func (s *txn) seenBy(n *network.Node, shown map[*network.Node]bool) (seen []SeenTrait) {
	view := state.Fields{Set: s.Profile.Traits(n.Since, s.At), P: s.Profile, Reads: n.Reads}
	see := func(name string) SeenTrait {
		t := SeenTrait{Name: name}
		t.Value, _ = view.Lookup((*profile.Dict)(nil).Key(name))
		if t.Value.IsNull() && s.e.keyOf(name) == nothing {
			t.Meant = s.e.fields.MeantField(traitsOf(n.Of), name)
		}
		at := slices.IndexFunc(n.Reads, func(r network.Reading) bool { return r.Name == name })
		if at < 0 {
			return t
		}
		if of := n.Reads[at].Node; of.Kind == network.KindFormula && !shown[of] {
			shown[of] = true
			t.Formula, t.Reads = of.Computed.Formula, s.seenBy(of, shown)
		}
		return t
	}
	if n.Kind == network.KindDate {
		t := see(n.Date.Trait())
		t.Name, t.Value = n.Date.Name, n.Date.Value(&view)
		_, readable := profile.ParseTime(t.Value)
		t.Unreadable = !readable && !t.Value.IsNull()
		return []SeenTrait{t}
	}
	names, _ := n.TraitNames()
	for _, r := range n.Reads {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	if n.ReadsIdentity() && n.Kind != network.KindSample {
		seen = append(seen, s.seenIDs(n)...)
	}
	for _, name := range names {
		seen = append(seen, see(name))
	}
	return seen
}

// seenIDs returns the ids that a leaf reads, as what it names beside the traits.
func (s *txn) seenIDs(n *network.Node) []SeenTrait {
	seen := []SeenTrait{{Name: "id", Value: profile.StringValue(s.Profile.Ref.ID)}}
	if !n.ReadsIDs() {
		return seen
	}
	return append(seen, SeenTrait{Name: "ids", Value: s.Self().IDs.Value()})
}

// write writes a line for the trait and, of a formula, more for what it is made of.
func (t *SeenTrait) write(b *strings.Builder, indent string) {
	fmt.Fprintf(b, "%s%s = %s", indent, t.Name, t.Value)
	switch {
	case t.Formula != "" && t.Value.IsNull():
		fmt.Fprintf(b, ", as nothing comes of %s", t.Formula)
	case t.Formula != "":
		fmt.Fprintf(b, ", which is %s", t.Formula)
	}
	if t.Unreadable {
		b.WriteString(", which is no date")
	}
	if t.Meant != "" {
		fmt.Fprintf(b, ", which nobody has, did you mean %q?", t.Meant)
	}
	b.WriteByte('\n')
	for i := range t.Reads {
		t.Reads[i].write(b, indent+"  ")
	}
}
