package audiencetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/traitset"
	"github.com/muster-go/muster/profile"
)

// mismatch is the error of an expectation that is not met.
type mismatch struct {
	what    string
	diff    []string // of lines, if it is of several
	why     []string // the explanations of what is behind it
	instead command  // the same, as it would be met; nil: it is no matter of updating
}

// Error returns the whole, of several lines.
func (m *mismatch) Error() string {
	var b strings.Builder
	b.WriteString(m.what)
	for _, line := range m.diff {
		b.WriteString("\n    " + line)
	}
	for _, why := range m.why {
		b.WriteString("\n\n  why: " + strings.ReplaceAll(strings.TrimRight(why, "\n"), "\n", "\n       "))
	}
	return b.String()
}

func compareRefs(a, b profile.Ref) int {
	return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.ID, b.ID))
}

// isOf reports whether a key is among those an expectation is of; all are if it
// names none.
func isOf(key string, of []string) bool { return len(of) == 0 || slices.Contains(of, key) }

func (c *expectTransitions) play(ctx context.Context, p *player) error {
	if err := p.settle(ctx); err != nil {
		return err
	}
	is := &expectTransitions{of: c.of}
	var were, rest []audience.Transition
	for _, t := range p.transitions {
		if isOf(t.Audience, c.of) {
			were = append(were, t)
			is.lines = append(is.lines, told(t, p.start))
		} else {
			rest = append(rest, t)
		}
	}
	p.transitions = rest
	edits := diff(c.lines, is.lines, func(a, b transition) bool { return a.meets(b, p.start, p.clock.Now()) })
	if same(edits) {
		return nil
	}
	m := &mismatch{what: "transitions differ (- expected, + happened)", diff: diffText(edits, transition.String), instead: is}
	var happened, lacking []subject
	for _, e := range edits {
		switch of := (subject{e.line.key, e.line.ref}); e.kind {
		case added:
			happened = append(happened, of)
			m.why = append(m.why, p.explainThen(were[e.found])...)
		case missing:
			lacking = append(lacking, of)
		}
	}
	m.why = m.why[:min(len(m.why), maxExplained)]
	// What did not happen is explained as of now, unless something else did.
	lacking = slices.DeleteFunc(lacking, func(s subject) bool { return slices.Contains(happened, s) })
	m.why = append(m.why, p.explainAll(ctx, lacking)...)
	return m
}

func (c *expectChanges) play(ctx context.Context, p *player) error {
	if err := p.settle(ctx); err != nil {
		return err
	}
	is := &expectChanges{of: c.of}
	var rest []audience.TraitChange
	for _, t := range p.changes {
		if isOf(t.Trait, c.of) {
			is.lines = append(is.lines, toldChange(t, p.start))
		} else {
			rest = append(rest, t)
		}
	}
	p.changes = rest
	edits := diff(c.lines, is.lines, func(a, b change) bool { return a.meets(b, p.start, p.clock.Now()) })
	if same(edits) {
		return nil
	}
	return &mismatch{
		what:    "changes of computed traits differ (- expected, + happened)",
		diff:    diffText(edits, change.String),
		instead: is,
	}
}

func (c *expectTrait) play(ctx context.Context, p *player) error {
	if err := p.settle(ctx); err != nil {
		return err
	}
	is, err := p.trait(ctx, c.ref, c.key)
	if err != nil || is.Equal(c.value) {
		return err
	}
	return &mismatch{
		what:    fmt.Sprintf("%s\n  but it is %s", c, valueText(is)),
		instead: &expectTrait{c.ref, c.key, is},
	}
}

// trait returns the value of a trait, computed or custom, null if there is none.
func (p *player) trait(ctx context.Context, ref profile.Ref, key string) (profile.Value, error) {
	values, err := p.engine.ValuesOf(ctx, ref)
	if err != nil {
		return profile.Value{}, err
	}
	for _, v := range values {
		if v.Key == key {
			return v.Value, nil
		}
	}
	writes, err := p.store.Traits(ctx, ref)
	if err != nil {
		return profile.Value{}, err
	}
	set := traitset.At(writes, 0, p.clock.Now().UnixNano())
	v, _ := set.Get(key)
	return v, nil
}

func (c *expectIDs) play(ctx context.Context, p *player) error {
	ids, err := p.store.IDs(ctx, profile.UserRef(c.user))
	if err != nil {
		return err
	}
	byType := map[string]any{}
	for _, id := range ids {
		values, _ := byType[id.Type].([]any)
		byType[id.Type] = append(values, id.Value)
	}
	is, err := profile.NewObject(byType)
	if err != nil || is.Value().Equal(c.ids.Value()) {
		return err
	}
	return &mismatch{
		what:    fmt.Sprintf("%s\n  but they are %s", c, is),
		instead: &expectIDs{c.user, is},
	}
}

func (c *expectExplanation) play(ctx context.Context, p *player) error {
	if err := p.settle(ctx); err != nil {
		return err
	}
	x, err := p.engine.Explain(ctx, c.key, c.ref)
	if err != nil {
		return err
	}
	is := &expectExplanation{ref: c.ref, key: c.key}
	is.lines = strings.Split(strings.TrimSpace(inDays(x.String(), p.start)), "\n")
	edits := diff(c.lines, is.lines, func(a, b string) bool { return a == b })
	if same(edits) {
		return nil
	}
	return &mismatch{
		what:    "the explanation differs (- expected, + given)",
		diff:    diffText(edits, strings.Clone),
		instead: is,
	}
}

func (c *expectError) play(ctx context.Context, p *player) error {
	if err := p.settle(ctx); err != nil {
		return err
	}
	for i, err := range p.reported {
		if strings.Contains(err.Error(), c.text) {
			p.reported = slices.Delete(p.reported, i, i+1)
			return nil
		}
	}
	return &mismatch{what: fmt.Sprintf("%s\n  but no callback reported it", c)}
}
