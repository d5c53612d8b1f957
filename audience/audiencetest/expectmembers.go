package audiencetest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

func (c *expectIn) play(ctx context.Context, p *player) error {
	if err := p.settle(ctx); err != nil {
		return err
	}
	memberships, err := p.store.Memberships(ctx, c.ref)
	if err != nil {
		return err
	}
	m := &mismatch{}
	var wrong []string
	for _, key := range c.keys {
		if _, err := p.engine.MemberCount(ctx, key); err != nil {
			return err
		}
		in := slices.ContainsFunc(memberships, func(m profile.Membership) bool { return m.Audience == key })
		if in == c.not {
			wrong = append(wrong, key)
			m.why = append(m.why, p.explain(ctx, key, c.ref))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	is := "is not in"
	if c.not {
		is = "is in"
	}
	m.what = fmt.Sprintf("%s\n  but %s %s %s", c, refText(c.ref), is, strings.Join(wrong, ", "))
	return m
}

func (c *expectMembers) play(ctx context.Context, p *player) error {
	if err := p.settle(ctx); err != nil {
		return err
	}
	is := &expectMembers{key: c.key}
	for m, err := range p.engine.Members(ctx, c.key) {
		if err != nil {
			return err
		}
		is.refs = append(is.refs, m.Ref)
	}
	slices.SortFunc(is.refs, compareRefs)
	differ := differentRefs(c.refs, is.refs)
	if differ == nil {
		return nil
	}
	m := &mismatch{what: "members of " + c.key + " differ (- expected, + found)", diff: diffText(differ, refText), instead: is}
	var about []subject
	for _, e := range differ {
		if e.kind != kept {
			about = append(about, subject{c.key, e.line})
		}
	}
	m.why = p.explainAll(ctx, about)
	return m
}

// differentRefs returns how lists of profiles differ, nil if they do not.
func differentRefs(want, found []profile.Ref) []edit[profile.Ref] {
	edits := diff(want, found, func(a, b profile.Ref) bool { return a == b })
	if same(edits) {
		return nil
	}
	return edits
}

func (c *expectPreview) play(ctx context.Context, p *player) error {
	if err := p.settle(ctx); err != nil {
		return err
	}
	d, err := c.definition()
	if err != nil {
		return err
	}
	preview, err := p.engine.Preview(ctx, d, audience.PreviewOptions{Sample: math.MaxInt})
	if err != nil {
		return err
	}
	is := &expectPreview{json: c.json}
	for _, x := range preview.Sample {
		is.refs = append(is.refs, x.Profile)
	}
	differ := differentRefs(c.refs, is.refs)
	if differ == nil {
		return nil
	}
	m := &mismatch{what: "the preview of " + d.Key + " differs (- expected, + found)", diff: diffText(differ, refText), instead: is}
	for _, e := range differ {
		i := slices.IndexFunc(preview.Sample, func(x audience.Explanation) bool { return x.Profile == e.line })
		if e.kind == added && len(m.why) < maxExplained {
			m.why = append(m.why, inDays(preview.Sample[i].String(), p.start))
		}
	}
	return m
}

func (c *expectPreview) definition() (audience.Definition, error) {
	f, err := audience.ParseFile([]byte(`{"audiences": [` + c.json + `]}`))
	if err != nil {
		return audience.Definition{}, err
	}
	return f.Audiences[0], nil
}
