package lint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"

	"github.com/google/cel-go/common/ast"
	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// judgeTree finds conditions of a tree that are always or never true: the outermost of
// those that are so for what is in them, and filters that are so by themselves.
func (l *linter) judgeTree(n *audience.Node, path string) {
	if t := l.truthOfNode(n); t == always || t == never {
		l.judge(t, path, "the condition")
		return
	}
	for i := range n.All {
		l.judgeTree(&n.All[i], fmt.Sprintf("%s.all[%d]", path, i))
	}
	for i := range n.Any {
		l.judgeTree(&n.Any[i], fmt.Sprintf("%s.any[%d]", path, i))
	}
	switch {
	case n.Not != nil:
		l.judgeTree(n.Not, path+".not")
	case n.Event != nil:
		l.judge(l.truthOfFilter(n.Event.Filter), path+".event.where", "the filter")
	case n.Funnel != nil:
		for i, s := range n.Funnel.Steps {
			l.judge(l.truthOfFilter(s.Filter), fmt.Sprintf("%s.funnel.steps[%d].where", path, i), "the filter")
		}
	case n.Users != nil:
		of, name := n.Users.Condition()
		l.ofUsers(func() { l.judgeTree(of, path+".users."+name) })
	}
}

// truthOfNode returns what a condition can be. It misses nothing: a miss in it is false.
func (l *linter) truthOfNode(n *audience.Node) truth {
	either := truth{isTrue: true, isFalse: true}
	switch {
	case n.All != nil:
		return l.group(n.All, false)
	case n.Any != nil:
		return l.group(n.Any, true).not()
	case n.Not != nil:
		return l.truthOfNode(n.Not).not()
	case n.Trait != "":
		return l.truthOf(n.Trait).condition()
	case n.Event != nil:
		if !l.truthOfFilter(n.Event.Filter).isTrue { // nothing is counted
			low, _ := counted(n.Event.Count)
			return truth{isTrue: low == 0, isFalse: low > 0}
		}
	case n.Funnel != nil:
		for _, s := range n.Funnel.Steps {
			if !s.Not && !l.truthOfFilter(s.Filter).isTrue {
				return never
			}
		}
	case n.Users != nil:
		of, name := n.Users.Condition()
		var t truth
		l.ofUsers(func() { t = l.truthOfNode(of) })
		switch {
		case t == never && name == "none":
			return always
		case t == never:
			return never // also of all of them, as there are to be some
		}
	}
	return either
}

// group returns whether all conditions hold; or, negated, whether all are false, which
// is the opposite of any.
func (l *linter) group(of []audience.Node, negated bool) truth {
	t := always
	for i := range of {
		each := l.truthOfNode(&of[i])
		if negated {
			each = each.not()
		}
		t = t.and(each)
	}
	if t.isTrue && l.exclude(of, negated) {
		return never
	}
	return t
}

// exclude reports whether conditions that are all to hold, or all to be false, cannot.
func (l *linter) exclude(of []audience.Node, negated bool) bool {
	var literals []signed
	for i := range of {
		literals = flatten(literals, &of[i], negated)
	}
	var traits []ast.Expr
	for i, a := range literals {
		for _, b := range literals[:i] {
			if a.contradicts(b) {
				return true
			}
		}
		if a.node.Trait != "" && !a.negated {
			if e, ok := l.parse(a.node.Trait); ok {
				traits = append(traits, e)
			}
		}
	}
	return len(traits) > 1 && !l.conjunction(traits).isTrue
}

// signed is a condition that is to hold, or not to.
type signed struct {
	node    *audience.Node
	negated bool
}

// flatten takes conditions apart that hold if all their parts do.
func flatten(into []signed, n *audience.Node, negated bool) []signed {
	switch {
	case n.Not != nil:
		return flatten(into, n.Not, !negated)
	case n.All != nil && !negated:
		for i := range n.All {
			into = flatten(into, &n.All[i], false)
		}
		return into
	case n.Any != nil && negated:
		for i := range n.Any {
			into = flatten(into, &n.Any[i], true)
		}
		return into
	}
	return append(into, signed{n, negated})
}

// contradicts reports whether two conditions cannot hold together.
func (s signed) contradicts(t signed) bool {
	if s.negated != t.negated && sameText(s.node, t.node) {
		return true
	}
	a, b := s.node.Event, t.node.Event
	if a == nil || b == nil || a.Distinct != b.Distinct || !a.Regularly.IsZero() || !b.Regularly.IsZero() || !sameEvents(a, b) || a.Filter != b.Filter || a.Scope != b.Scope {
		return false
	}
	return fewer(s, t) || fewer(t, s)
}

// sameEvents reports whether two conditions are on events of the same names.
func sameEvents(a, b *audience.Event) bool {
	x, y := selectorOf(a), selectorOf(b)
	return x.Equal(&y)
}

// fewer reports whether s allows fewer events in a window than t wants in a part of it.
func fewer(s, t signed) bool {
	_, most := s.bounds()
	least, _ := t.bounds()
	return most < least && contains(s.node.Event.Window, t.node.Event.Window)
}

// bounds returns the counts for which the condition on an event holds, as far as they
// are one range.
func (s signed) bounds() (low, high int) {
	low, high = counted(s.node.Event.Count)
	if !s.negated {
		return low, high
	}
	switch {
	case high == unbounded:
		return 0, low - 1
	case low == 0:
		return high + 1, unbounded
	}
	return 0, unbounded // two ranges
}

// unbounded is more than any count that is compared with.
const unbounded = math.MaxInt

// counted returns the counts for which a comparison holds.
func counted(c audience.Count) (low, high int) {
	switch {
	case c.IsZero():
		return 1, unbounded
	case c.Comparison == audience.AtMost:
		return 0, c.N
	case c.Comparison == audience.Exactly:
		return c.N, c.N
	case c.Comparison == audience.Range:
		return c.N, c.Max
	}
	return c.N, unbounded
}

// contains reports whether all that is in a window is in another.
func contains(outer, inner profile.Window) bool {
	if outer.IsZero() {
		return true
	}
	if !outer.Plain() || !inner.Plain() {
		return outer == inner
	}
	return !inner.IsZero() && outer.Min <= inner.Min && inner.Max <= outer.Max
}

// sameText reports whether two conditions are written alike.
func sameText(a, b *audience.Node) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
