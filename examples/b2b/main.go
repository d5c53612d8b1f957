// Command b2b finds the accounts of a small software company that are about to
// be lost, in a log that it makes up itself, the same one each time:
//
//	go run ./examples/b2b
//
// An account is at risk if it is on the business plan and none of its users has
// logged in for 14 days: see atRisk, and definitions.json for the same in JSON.
// Nothing happens when that comes to be so. It is time alone that puts an account
// at risk, at the very instant at which the last login of any of its users is 14
// days old.
//
// The audience is one of accounts, with their users. So the callback hears of
// the account, for whoever looks after it, and of each of its users, for a mail
// to them. A user in two accounts at risk enters with the first of them and exits
// with the last. Users come and go: one who joins brings along the logins of
// before, one who leaves takes them away. And some log in by single sign-on,
// under another id, which counts once the two ids are known to be one user.
//
// The clock is moved along the log by hand. A service leaves Options.Clock out
// and has Engine.Run on a goroutine.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// away is for how long nobody has to log in for an account to be at risk.
const away = 14 * profile.Day

// atRisk is the audience.
func atRisk() audience.Definition {
	return audience.Define("at_risk").OfAccounts().WithPerUser().Members(audience.All(
		audience.Trait(`traits.plan == "business"`),
		audience.NoUser(audience.Performed("Login").Within(away)),
	))
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "b2b:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, stdout io.Writer) error {
	log, err := companyLog(26, 60)
	if err != nil {
		return err
	}
	w, err := newWatch(ctx, log[0].at, func(t audience.Transition) error {
		_, err := fmt.Fprintln(stdout, line(t))
		return err
	})
	if err != nil {
		return err
	}
	if err := w.play(ctx, log); err != nil {
		return err
	}
	return w.report(ctx, stdout)
}

// line is a transition as it is printed; those of users are set in.
func line(t audience.Transition) string {
	who := "account " + t.Profile
	if t.Subject == profile.User {
		who = "    " + t.Profile
	}
	return fmt.Sprintf("%s  %-16s  %-7s  %s", t.At.Format(time.DateTime), who, t.Type, t.Cause)
}

// watch is an engine with the audience, and what is wrong with it.
type watch struct {
	clock  *audience.ManualClock
	engine *audience.Engine
	failed error // of the callback
}

// newWatch begins at an instant, and tells of all that enters or exits.
func newWatch(ctx context.Context, at time.Time, tell func(audience.Transition) error) (*watch, error) {
	w := &watch{clock: audience.NewManualClock(at)}
	engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{
		Clock:   w.clock,
		Shards:  1, // so that all that happens comes in one order
		OnError: func(err error) { w.failed = errors.Join(w.failed, err) },
	})
	if err != nil {
		return nil, err
	}
	w.engine = engine
	engine.Subscribe(func(_ context.Context, t audience.Transition) error { return tell(t) })
	return w, engine.Create(ctx, atRisk())
}

// play takes a log.
func (w *watch) play(ctx context.Context, log []entry) error {
	for _, e := range log {
		w.clock.Set(e.at)
		var err error
		if e.leaves {
			err = w.engine.Leave(ctx, e.message.UserID, e.message.GroupID)
		} else {
			err = w.engine.Apply(ctx, e.message)
		}
		if err != nil {
			return err
		}
	}
	return w.failed
}

// report writes who is at risk now.
func (w *watch) report(ctx context.Context, stdout io.Writer) error {
	if _, err := fmt.Fprintf(stdout, "\nAt risk on %s:", w.clock.Now().Format(time.DateOnly)); err != nil {
		return err
	}
	for m, err := range w.engine.Members(ctx, "at_risk") {
		if err != nil {
			return err
		}
		if m.Ref.Subject == profile.User {
			continue
		}
		if _, err := fmt.Fprintf(stdout, " %s since %s", m.Ref.ID, m.Since.Format(time.DateOnly)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(stdout, ".")
	return err
}
