package audiencetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// subject is what an explanation is about.
type subject struct {
	key string
	ref profile.Ref
}

// maxExplained bounds the explanations of one mismatch, of each kind.
const maxExplained = 3

// explainAll explains memberships as of now, each once.
func (p *player) explainAll(ctx context.Context, about []subject) []string {
	var why []string
	for i, s := range about {
		if !slices.Contains(about[:i], s) && len(why) < maxExplained {
			why = append(why, p.explain(ctx, s.key, s.ref))
		}
	}
	return why
}

func (p *player) explain(ctx context.Context, key string, ref profile.Ref) string {
	x, err := p.engine.Explain(ctx, key, ref)
	switch {
	case errors.Is(err, profile.ErrNotFound):
		return fmt.Sprintf("there is no audience %q with %ss for members", key, ref.Subject)
	case err != nil:
		return err.Error()
	}
	return inDays(x.String(), p.start)
}

// explainThen explains a transition as of when it happened.
func (p *player) explainThen(t audience.Transition) []string {
	if t.Evidence == nil {
		return nil
	}
	x := audience.Explanation{
		Audience: t.Audience,
		Profile:  t.Ref(),
		At:       t.At,
		Member:   t.Type == audience.Entered,
		Tree:     *t.Evidence,
	}
	return []string{inDays(x.String(), p.start)}
}
