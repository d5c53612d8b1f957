package audiencetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// deed is one call of the engine that a command comes to. What follows a player
// is told of each: see watcher.
type deed interface {
	do(context.Context, *audience.Engine) error
}

type (
	message      profile.Message
	leaving      struct{ user, account string }
	removal      struct{ remove }
	creation     audience.File
	audienceEdit audience.Definition
	traitEdit    trait.Computed
	passing      time.Time // of time until then, inclusive
	computation  []string  // of batch audiences
)

func (d message) do(ctx context.Context, e *audience.Engine) error {
	err := e.Apply(ctx, profile.Message(d))
	var of *audience.MessageError
	if errors.As(err, &of) { // there is but one
		err = of.Err
	}
	return err
}

func (d leaving) do(ctx context.Context, e *audience.Engine) error {
	return e.Leave(ctx, d.user, d.account)
}

func (d removal) do(ctx context.Context, e *audience.Engine) error {
	switch d.kind {
	case ofUser:
		return e.DeleteUser(ctx, d.name)
	case ofAccount:
		return e.DeleteAccount(ctx, d.name)
	case ofAudience:
		return e.DeleteAudience(ctx, d.name)
	case ofTrait:
		return e.DeleteTrait(ctx, d.name)
	}
	return fmt.Errorf("%w: delete %q", profile.ErrInvalid, d.kind)
}

func (d creation) do(ctx context.Context, e *audience.Engine) error {
	return e.CreateFile(ctx, audience.File(d))
}

func (d audienceEdit) do(ctx context.Context, e *audience.Engine) error {
	return e.EditAudience(ctx, audience.Definition(d))
}

func (d traitEdit) do(ctx context.Context, e *audience.Engine) error {
	return e.EditTrait(ctx, trait.Computed(d))
}

func (d passing) do(ctx context.Context, e *audience.Engine) error {
	return e.Advance(ctx, time.Time(d))
}

func (d computation) do(ctx context.Context, e *audience.Engine) error {
	return e.Recompute(ctx, d...)
}
