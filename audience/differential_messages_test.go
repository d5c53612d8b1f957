package audience_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
)

var accounts = []string{"a1", "a2"}

// account returns the id of one, known or not.
func (g *generator) account() string { return pick(g, accounts) }

// sender returns for which account an event is sent, if for any.
func (g *generator) sender() string { return pick(g, append(accounts, "", "", "")) }

// message returns an event, traits or a group call, new or seen before.
func (g *generator) message() oracle.Operation {
	if len(g.messages) > 0 && g.IntN(6) == 0 {
		return g.again(pick(g, g.messages))
	}
	var op oracle.Operation
	id := ""
	if g.IntN(2) == 0 {
		id = fmt.Sprintf("m%d", len(g.messages))
	}
	switch n := g.IntN(16); {
	case n < 2, n < 4 && g.crossing:
		op = oracle.Group{
			Profile: g.id(), Account: g.account(), Traits: g.customTraits(), Time: g.time(), MessageID: id,
		}
	case n < 12:
		op = oracle.Track{Event: profile.Event{
			Profile:    g.id(),
			Name:       pick(g, g.names),
			Time:       g.time(),
			MessageID:  id,
			Account:    g.sender(),
			Properties: g.properties(),
			Context:    g.context(),
		}}
	default:
		op = oracle.Identify{Profile: g.id(), Traits: g.customTraits(), Time: g.time(), MessageID: id}
	}
	op = g.from(op)
	g.messages = append(g.messages, op)
	return op
}

// from gives a message a sender: a visitor, or a user with the id of a device.
func (g *generator) from(op oracle.Operation) oracle.Operation {
	var from oracle.Sender
	if g.IntN(8) == 0 {
		from.Email = pick(g, []string{"a@x", "b@y", "c@x"})
	}
	switch g.IntN(12) {
	case 0, 1:
		from.Visitor = true
	case 2:
		from.Device = g.id()
	}
	switch op := op.(type) {
	case oracle.Track:
		op.Sender = from
		return op
	case oracle.Identify:
		op.Sender = from
		return op
	case oracle.Group:
		op.Sender = from
		return op
	}
	return op
}

// again sends a message once more: as it was, for somebody else, or with its
// id on something else.
func (g *generator) again(op oracle.Operation) oracle.Operation {
	switch op := op.(type) {
	case oracle.Track:
		switch g.IntN(4) {
		case 0:
			op.Event.Profile = g.id()
		case 1:
			op.Event.Time = g.time()
		case 2:
			return oracle.Identify{Profile: op.Event.Profile, Traits: g.customTraits(), Time: g.time(), MessageID: op.Event.MessageID}
		}
		return op
	case oracle.Identify:
		switch g.IntN(3) {
		case 0:
			op.Profile = g.id()
		case 1:
			op.Traits = g.customTraits()
		}
		return op
	case oracle.Group:
		switch g.IntN(4) {
		case 0:
			op.Profile = g.id()
		case 1:
			op.Traits = g.customTraits()
		case 2:
			op.Account = g.account()
		}
		return op
	}
	panic("no message")
}

// time returns the time of a message: now, late, or in the future.
func (g *generator) time() time.Time {
	t := g.now
	if g.dense || g.IntN(2) == 0 {
		t = t.Add(time.Duration(g.ahead-g.IntN(9)) * grid)
	}
	return t.Add(g.nudge())
}

// nudge is nothing, nearly always.
func (g *generator) nudge() time.Duration {
	if g.IntN(15) == 0 {
		return time.Duration(g.IntN(3) - 1)
	}
	return 0
}

func (g *generator) properties() profile.Object {
	m := map[string]any{}
	if g.IntN(4) > 0 {
		m["k"] = pick(g, []any{"x", "x", "y", "pro", 1, 1.0, 1.5, true, nil, []any{1.0}, []any{1, "x"}, json.Number("18446744073709551617"), []any{json.Number("18446744073709551617")}})
	}
	if g.IntN(6) > 0 {
		m["id"] = pick(g, []any{"p", "p", "q", 1, 1.0, "x", json.Number("18446744073709551616"), json.Number("18446744073709551617"), 18446744073709551616.0})
	}
	if g.IntN(3) > 0 {
		m["price"] = pick(g, []any{0, 1, 2.5, 2, 3, 1.0, 0.1, 0.2, 20.58, 13.35, 66.07, 1.005, -1, math.Copysign(0, -1), "2", nil})
		if g.IntN(20) == 0 {
			m["price"] = pick(g, []any{math.MaxInt64, math.MinInt64, 1e308, -1e308, 1e16, 5e-324, json.Number("-9223372036854775809")})
		}
	}
	if g.IntN(4) == 0 {
		m["items"] = pick(g, []any{[]any{map[string]any{"price": 1}, map[string]any{"price": 2.5, "k": "x"}}, []any{map[string]any{"k": 1}, 7, nil}, []any{}, map[string]any{"price": 3}})
		m["tags"] = pick(g, []any{[]any{"x"}, []any{"y", 1}, []any{}, "x"})
	}
	if g.IntN(4) == 0 {
		m["when"] = g.date()
	}
	if g.IntN(8) == 0 {
		m["in"] = map[string]any{"k": pick(g, []any{"x", 1, 2.0})}
	}
	return must(profile.NewObject(m))
}

func (g *generator) context() profile.Object {
	if g.IntN(4) > 0 {
		return profile.Object{}
	}
	return object("lang", pick(g, []string{"de", "en"}))
}

// customTraits may have names that keys have, or had.
func (g *generator) customTraits() profile.Object {
	m := map[string]any{}
	if g.IntN(2) == 0 {
		m["plan"] = pick(g, []any{"pro", "pro", "free", "x", nil, 1})
	}
	if g.IntN(2) == 0 {
		m["score"] = pick(g, []any{1, 2.0, 3, "3", nil})
	}
	if g.IntN(2) == 0 {
		m["due"] = g.date()
	}
	if g.IntN(4) == 0 {
		m["sub"] = pick(g, []any{map[string]any{"due": g.date(), "a.b": g.date()}, map[string]any{"due": "soon"}, "x", nil})
	}
	if names := slices.Concat(g.retired, g.keys, g.groups); g.IntN(8) == 0 && len(names) > 0 {
		m[pick(g, names)] = pick(g, []any{true, 3, "x", nil})
	}
	return must(profile.NewObject(m))
}

// date returns a date as a trait holds it, in any form.
func (g *generator) date() any {
	t := g.now.Truncate(grid).Add(time.Duration(g.IntN(9)-4) * grid)
	if g.IntN(3) == 0 { // an anniversary is near
		t = t.AddDate(-g.IntN(9), 0, 0)
	}
	switch g.IntN(11) {
	case 8:
		return t.Format(" 2006-01-02 15:04 UTC")
	case 9:
		return pick(g, []any{t.UnixMicro(), strconv.FormatInt(t.UnixNano(), 10), strconv.FormatInt(t.Unix(), 10)})
	case 10:
		return t.Format("2006-01-02t15:04:05+00")
	case 0:
		return t.Add(g.nudge()).Format(time.RFC3339Nano)
	case 1:
		return t.In(time.FixedZone("", -5*3600)).Format(time.RFC3339)
	case 2:
		return t.Format(time.DateTime)
	case 3:
		return t.Unix()
	case 4:
		return t.UnixMilli()
	case 5:
		return float64(t.Unix()) + 0.5
	case 6:
		return t.Format(time.DateOnly)
	}
	return pick(g, []any{nil, "soon", true, 0})
}
