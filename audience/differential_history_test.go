package audience_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
)

// history is what one differential test does to an engine and to the oracle.
type history struct {
	calls []call
	rules []rule
	cache int64 // of the engine, in bytes; 0: unbounded

	durable bool // a durable subscriber hears it, too
	beside  bool // what is of accounts is made and edited beside the data
}

// aState is about what the state of a profile in a history takes.
const aState = 900

// cached is a history for an engine that has room for no state between calls, or for
// eight.
func cached(h *history, seed uint64) *history {
	h.cache = 1 + int64(seed%2)*8*aState
	return h
}

// call is one call of the engine, when its clock stands at an instant.
type call struct {
	at      time.Time
	do      oracle.Operation // nil: Advance
	message bool             // through Apply, as a Segment-spec message
	reopen  bool             // close the engine first, and go on with a new one
	explain int              // if not 0, says what is explained afterwards
	fault   fault            // at the point of failing, when the call is first made
	failing int              // the point; 0: there is no fault
	refused [2]string        // first, messages of a user with the id of a visitor are sent that cannot be taken
}

// rule is a callback that turns back to the engine: on a transition of a type,
// in an audience, or on any change of a computed trait, it does something to a
// profile, a few times.
type rule struct {
	audience string
	typ      audience.Type
	trait    string // instead of an audience
	times    int
	do       string // "track", "identify", "merge", "delete", "group" or "leave"
	profile  string // empty: the notice's own
	ahead    time.Duration
	text     string // the event's name, the trait's value, the id to merge into or the account
}

// matches reports whether the rule follows a notice, of which profile, and at
// which instant.
func (r rule) matches(n oracle.Notice) (id string, at time.Time, ok bool) {
	if c := n.Change; c != nil {
		return c.Profile.ID, c.At, r.trait == c.Trait
	}
	tr := n.Transition
	return tr.Profile, tr.At, r.trait == "" && r.audience == tr.Audience && r.typ == tr.Type
}

// operation is what the rule answers with a notice of a profile.
func (r rule) operation(id string, at time.Time) oracle.Operation {
	if r.profile != "" {
		id = r.profile
	}
	at = at.Add(r.ahead)
	switch r.do {
	case "track":
		return oracle.Track{Event: profile.Event{Profile: id, Name: r.text, Time: at, Properties: object("k", "x", "price", 3)}}
	case "identify":
		return oracle.Identify{Profile: id, Traits: object("plan", r.text), Time: at}
	case "merge":
		return oracle.Merge{From: id, Into: r.text}
	case "group":
		return oracle.Group{Profile: id, Account: r.text, Traits: object("plan", "pro"), Time: at}
	case "leave":
		return oracle.Leave{Profile: id, Account: r.text}
	}
	return oracle.Delete{Profile: id}
}

// reactions returns a subscriber that follows the rules. Engine and oracle get
// one each: it counts how often it did, for each profile.
func (h *history) reactions() func(oracle.Notice) []oracle.Operation {
	type use struct {
		rule    int
		profile string
	}
	used := map[use]int{}
	return func(n oracle.Notice) []oracle.Operation {
		var ops []oracle.Operation
		for i, r := range h.rules {
			id, at, ok := r.matches(n)
			if u := (use{i, id}); ok && used[u] < r.times {
				used[u]++
				ops = append(ops, r.operation(id, at))
			}
		}
		return ops
	}
}

// String writes the history as a script, instants as hours after epoch.
func (h *history) String() string {
	var b strings.Builder
	for _, r := range h.rules {
		on := fmt.Sprintf("%s %s", r.typ, r.audience)
		if r.trait != "" {
			on = "change of " + r.trait
		}
		fmt.Fprintf(&b, "on %s, %d times: %s %s %s %s\n", on, r.times, r.do, r.profile, r.text, r.ahead)
	}
	for _, c := range h.calls {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

func (c call) String() string {
	line := fmt.Sprintf("%-6s ", sinceEpoch(c.at))
	if c.reopen {
		line += "reopen, "
	}
	if c.message {
		line += "by message: "
	}
	if c.explain > 0 {
		line += fmt.Sprintf("with explanation %d: ", c.explain)
	}
	if c.refused != [2]string{} {
		line += fmt.Sprintf("after refused ones of %s with %s: ", c.refused[0], c.refused[1])
	}
	if from := senderOf(c.do); from.Visitor {
		line += "of a visitor: "
	} else if from.Device != "" {
		line += fmt.Sprintf("with the anonymous id %s: ", from.Device)
	}
	if c.failing > 0 {
		line += fmt.Sprintf("%s at point %d: ", c.fault, c.failing)
	}
	switch op := c.do.(type) {
	case nil:
		return line + "advance"
	case oracle.Track:
		e := op.Event
		return line + fmt.Sprintf("track %s %q for %q of %s, id %q: %s %s", e.Profile, e.Name, e.Account, sinceEpoch(e.Time), e.MessageID, e.Properties, e.Context)
	case oracle.Identify:
		return line + fmt.Sprintf("identify %s of %s, id %q: %s", op.Profile, sinceEpoch(op.Time), op.MessageID, op.Traits)
	case oracle.Group:
		return line + fmt.Sprintf("group %s in %s of %s, id %q: %s", op.Profile, op.Account, sinceEpoch(op.Time), op.MessageID, op.Traits)
	case oracle.Merge:
		return line + fmt.Sprintf("merge %s into %s", op.From, op.Into)
	case oracle.Delete:
		return line + "delete " + op.Profile
	case oracle.Leave:
		return line + fmt.Sprintf("%s leaves %s", op.Profile, op.Account)
	case oracle.DeleteAccount:
		return line + "delete account " + op.Account
	case oracle.Recompute:
		return line + "recompute " + strings.Join(op.Audiences, " ")
	case oracle.Drop:
		return line + "drop " + op.Audience
	case oracle.DropTrait:
		return line + "drop trait " + op.Trait
	case oracle.Edit:
		return line + "edit" + script(op.Trait)
	case oracle.EditAudience:
		return line + "edit" + script(op.Definition)
	case oracle.Create:
		line += "create"
		for _, c := range op.Traits {
			line += script(c)
		}
		for _, d := range op.Definitions {
			line += script(d)
		}
		return line
	}
	return line + fmt.Sprintf("%+v", c.do)
}

func script(definition any) string {
	text, err := json.Marshal(definition)
	if err != nil {
		text = []byte(err.Error())
	}
	return "\n       " + string(text)
}

func sinceEpoch(t time.Time) string { return "+" + profile.FormatDuration(t.Sub(epoch)) }

// object packs keys and values given in turn.
func object(pairs ...any) profile.Object {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	o, err := profile.NewObject(m)
	if err != nil {
		panic(err)
	}
	return o
}
