package audience_test

import (
	"encoding/json"
	"fmt"
	"slices"
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
}

// call is one call of the engine, when its clock stands at an instant.
type call struct {
	at      time.Time
	do      oracle.Operation // nil: Advance
	message bool             // through Apply, as a Segment-spec message
	reopen  bool             // close the engine first, and go on with a new one
}

// rule is a callback that turns back to the engine: on a transition of a type,
// in an audience, it does something to a profile, a few times.
type rule struct {
	audience string
	typ      audience.Type
	times    int
	do       string // "track", "identify", "merge" or "delete"
	profile  string // empty: the transition's own
	ahead    time.Duration
	text     string // the event's name, the trait's value or the id to merge into
}

// operation is what the rule answers a transition with.
func (r rule) operation(tr audience.Transition) oracle.Operation {
	id, at := r.profile, tr.At.Add(r.ahead)
	if id == "" {
		id = tr.Profile
	}
	switch r.do {
	case "track":
		return oracle.Track{Event: profile.Event{Profile: id, Name: r.text, Time: at, Properties: object("k", "x")}}
	case "identify":
		return oracle.Identify{Profile: id, Traits: object("plan", r.text), Time: at}
	case "merge":
		return oracle.Merge{From: id, Into: r.text}
	}
	return oracle.Delete{Profile: id}
}

// reactions returns a subscriber that follows the rules. Engine and oracle get
// one each: it counts how often it did, for each profile.
func (h *history) reactions() func(audience.Transition) []oracle.Operation {
	type use struct {
		rule    int
		profile string
	}
	used := map[use]int{}
	return func(tr audience.Transition) []oracle.Operation {
		var ops []oracle.Operation
		for i, r := range h.rules {
			u := use{i, tr.Profile}
			if used[u] < r.times && r.audience == tr.Audience && r.typ == tr.Type {
				used[u]++
				ops = append(ops, r.operation(tr))
			}
		}
		return ops
	}
}

// possible reports whether a call makes sense after what came before. In a
// history that was shrunk some do not: what they refer to is gone.
func possible(c call, definitions map[string]audience.Definition, used map[string]bool) bool {
	switch op := c.do.(type) {
	case oracle.Create:
		there := map[string]bool{}
		for key := range definitions {
			there[key] = true
		}
		for _, d := range op.Definitions {
			there[d.Key] = true
		}
		for _, d := range op.Definitions {
			if used[d.Key] || slices.ContainsFunc(references(d.Where), func(key string) bool { return !there[key] }) {
				return false
			}
		}
	case oracle.Drop:
		if _, ok := definitions[op.Audience]; !ok {
			return false
		}
		for _, d := range definitions {
			if slices.Contains(references(d.Where), op.Audience) {
				return false
			}
		}
	}
	return true
}

// references returns the keys of the audiences that a condition names.
func references(n audience.Node) []string {
	var keys []string
	if n.Audience != "" {
		keys = append(keys, n.Audience)
	}
	for _, c := range slices.Concat(n.All, n.Any) {
		keys = append(keys, references(c)...)
	}
	if n.Not != nil {
		keys = append(keys, references(*n.Not)...)
	}
	return keys
}

// String writes the history as a script, instants as hours after epoch.
func (h *history) String() string {
	var b strings.Builder
	for _, r := range h.rules {
		fmt.Fprintf(&b, "on %s %s, %d times: %s %s %s %s\n", r.typ, r.audience, r.times, r.do, r.profile, r.text, r.ahead)
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
	switch op := c.do.(type) {
	case nil:
		return line + "advance"
	case oracle.Track:
		e := op.Event
		return line + fmt.Sprintf("track %s %q of %s, id %q: %s %s", e.Profile, e.Name, sinceEpoch(e.Time), e.MessageID, e.Properties, e.Context)
	case oracle.Identify:
		return line + fmt.Sprintf("identify %s of %s, id %q: %s", op.Profile, sinceEpoch(op.Time), op.MessageID, op.Traits)
	case oracle.Group:
		return line + fmt.Sprintf("group %s in %s", op.Profile, op.Account)
	case oracle.Merge:
		return line + fmt.Sprintf("merge %s into %s", op.From, op.Into)
	case oracle.Delete:
		return line + "delete " + op.Profile
	case oracle.Drop:
		return line + "drop " + op.Audience
	case oracle.Create:
		line += "create"
		for _, d := range op.Definitions {
			text, err := json.Marshal(d)
			if err != nil {
				text = []byte(err.Error())
			}
			line += "\n       " + string(text)
		}
		return line
	}
	return line + fmt.Sprintf("%+v", c.do)
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
