package oracle_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// The tests tell stories in hours: at(5) is five hours into the story.

var start = time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)

const hour = time.Hour

func at(hours float64) time.Time { return start.Add(time.Duration(hours * float64(hour))) }

// step is one call of the model, and what the subscriber hears of it.
type step struct {
	at   time.Time
	do   oracle.Operation // nil: time passes
	want string           // all that is heard: "u.n=0>2@5 event, u+a@5 event, u-a@7 time": u's trait n went from 0 to 2 and u entered a at hour 5, ...
}

func play(t *testing.T, steps ...step) *oracle.Model {
	t.Helper()
	m := oracle.NewModel(at(0))
	playOn(t, m, steps...)
	return m
}

func playOn(t *testing.T, m *oracle.Model, steps ...step) {
	t.Helper()
	for i, s := range steps {
		if s.do == nil {
			m.Advance(s.at)
		} else {
			m.Do(s.at, s.do)
		}
		require.Equal(t, s.want, tell(m.Heard()), "step %d: %+v", i, s.do)
	}
}

func tell(notices []oracle.Notice) string {
	var out []string
	for _, n := range notices {
		if c := n.Change; c != nil {
			out = append(out, fmt.Sprintf("%s.%s=%s>%s%s", c.Profile.ID, c.Trait, c.Old, c.New, when(c.At, c.Cause)))
			continue
		}
		sign := "+"
		if n.Transition.Type == audience.Exited {
			sign = "-"
		}
		out = append(out, n.Transition.Profile+sign+n.Transition.Audience+when(n.Transition.At, n.Transition.Cause))
	}
	return strings.Join(out, ", ")
}

func when(t time.Time, cause audience.Cause) string {
	since := t.Sub(start)
	when := fmt.Sprint(since.Hours())
	if since%(hour/2) != 0 {
		when = since.String()
	}
	return "@" + when + " " + cause.String()
}

func create(t time.Time, want string, ds ...audience.Definition) step {
	return step{t, oracle.Create{Definitions: ds}, want}
}

func createTraits(t time.Time, want string, cs ...trait.Computed) step {
	return step{t, oracle.Create{Traits: cs}, want}
}

func members(key string, c audience.Condition) audience.Definition {
	return audience.Define(key).Members(c)
}

func advance(t time.Time, want string) step { return step{t, nil, want} }

// event is the arrival, at now, of an event of a time, with properties as
// JSON.
func event(now time.Time, user, name string, when time.Time, want string, more ...string) step {
	e := profile.Event{Profile: user, Name: name, Time: when}
	for i, m := range more {
		switch i {
		case 0:
			e.Properties = object(m)
		case 1:
			e.MessageID = m
		}
	}
	return step{now, oracle.Track{Event: e}, want}
}

// traits is the arrival, at now, of traits of a time.
func traits(now time.Time, user, json string, when time.Time, want string, messageID ...string) step {
	op := oracle.Identify{Profile: user, Traits: object(json), Time: when}
	if len(messageID) > 0 {
		op.MessageID = messageID[0]
	}
	return step{now, op, want}
}

func object(json string) profile.Object {
	o, err := profile.ParseObject([]byte(json))
	if err != nil {
		panic(err)
	}
	return o
}
