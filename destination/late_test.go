package destination_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/destination"
)

// An exit that was tried is sent, as it was, when the receiver is there again. If
// who exits has become part of a member meanwhile, that one is told again after it.
func TestAMergeWhileAnExitIsOnItsWay(t *testing.T) {
	for mode, cfg := range modes {
		for _, types := range [][]string{nil, {"email"}, {destination.All}} {
			t.Run(fmt.Sprint(mode, types), func(t *testing.T) {
				r := newEngineRig(t)
				cfg.ExternalIDs = types
				c := r.connect(cfg)
				r.does("anonymous=v buys")
				r.passes(30 * time.Minute)
				r.does("user=ann buys")
				r.Equal([]string{"+buyers anonymous=v", "+buyers user=ann"}, r.got())
				r.passes(30 * time.Minute)
				r.to.fail = func(*destination.Batch) error { return errDown }
				r.ErrorIs(r.hub.Flush(r.ctx), errDown)
				r.does("user=ann merges v")
				r.ErrorIs(r.hub.Flush(r.ctx), errDown)
				r.to.fail = nil
				lines := r.got()
				r.Equal("-buyers anonymous=v", lines[0])
				lines = append(lines, r.got()...)
				r.Equal("+buyers user=ann", lines[len(lines)-1])
				r.Empty(r.got())
				r.Zero(c.Stats().Queued)
			})
		}
	}
}

// A receiver that wants an email refuses who has none. It is told of her once she
// has one, if she is a member still.
func TestARefusedMemberIsToldOnceThereIsAnEmail(t *testing.T) {
	for mode, cfg := range modes {
		t.Run(mode, func(t *testing.T) {
			r := newEngineRig(t)
			cfg.ExternalIDs = []string{"email"}
			c := r.connect(cfg)
			r.to.fail = func(b *destination.Batch) error {
				text, err := b.MarshalJSON()
				if err == nil && !strings.Contains(string(text), "@") {
					err = destination.ErrRefused
				}
				return err
			}
			r.does("user=ann buys", "user=bob buys", "user=eve buys")
			r.Empty(r.got())
			r.EqualValues(3, c.Stats().Refused)
			r.does("user=bob is deleted", "user=ann is ann@x.io")
			r.Equal([]string{"+buyers user=ann ann@x.io"}, r.got())
			r.does("user=bob is bob@x.io")
			r.Empty(r.got(), "he is no member")
			r.passes(time.Hour)
			r.Equal([]string{"-buyers user=ann ann@x.io"}, r.got())
			r.does("user=eve is eve@x.io")
			r.Empty(r.got(), "nor is she")
			r.Zero(c.Stats().Known)
		})
	}
}
