package audience_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

// newEngine returns an engine of one shard on a clock that stands at start,
// and what it has told so far.
func newEngine(t *testing.T, opts ...profile.MemOption) (*audience.Engine, *audience.ManualClock, *[]string) {
	t.Helper()
	clock := audience.NewManualClock(start)
	e, err := audience.New(context.Background(), profile.NewMemStore(opts...), audience.Options{Clock: clock, Shards: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	told := &[]string{}
	e.Subscribe(func(_ context.Context, tr audience.Transition) error {
		*told = append(*told, tr.String())
		return nil
	})
	return e, clock, told
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func event(user, name string, at time.Duration) profile.Event {
	return profile.Event{Profile: user, Name: name, Time: start.Add(at)}
}

func TestBadDataIsRefusedAndChangesNothing(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	require.NoError(t, e.Create(ctx, audience.Define("anyone").Members(audience.NotPerformed("Left"))))
	long := strings.Repeat("x", profile.MaxID+1)
	for name, tc := range map[string]struct {
		call func() error
		want error
	}{
		"event of nobody":              {func() error { return e.Track(ctx, event("", "Buy", 0)) }, profile.ErrInvalid},
		"event without a name":         {func() error { return e.Track(ctx, event("u", "", 0)) }, profile.ErrInvalid},
		"event before 1900":            {func() error { return e.Track(ctx, event("u", "Buy", -200*365*profile.Day)) }, profile.ErrTime},
		"event after 2200":             {func() error { return e.Track(ctx, event("u", "Buy", 200*365*profile.Day)) }, profile.ErrTime},
		"event of an id too long":      {func() error { return e.Track(ctx, event(long, "Buy", 0)) }, profile.ErrTooLarge},
		"event of an id not UTF-8":     {func() error { return e.Track(ctx, event("u\xff", "Buy", 0)) }, profile.ErrInvalid},
		"event of a name not UTF-8":    {func() error { return e.Track(ctx, event("u", "Buy\xff", 0)) }, profile.ErrInvalid},
		"traits of nobody":             {func() error { return e.Identify(ctx, audience.Identify{Time: start}) }, profile.ErrInvalid},
		"group without an account":     {func() error { return e.Group(ctx, audience.Group{Profile: "u", Time: start}) }, profile.ErrInvalid},
		"alias of nothing":             {func() error { return e.Alias(ctx, "", "u") }, profile.ErrInvalid},
		"alias to nothing":             {func() error { return e.Alias(ctx, "u", "") }, profile.ErrInvalid},
		"deleting nobody":              {func() error { return e.DeleteUser(ctx, "") }, profile.ErrInvalid},
		"advancing to no time":         {func() error { return e.Advance(ctx, time.Time{}) }, profile.ErrTime},
		"message without type":         {func() error { return e.Apply(ctx, profile.Message{UserID: "u", Time: start}) }, profile.ErrInvalid},
		"deleting an unknown audience": {func() error { return e.DeleteAudience(ctx, "nope") }, profile.ErrNotFound},
		"members of an unknown one": {func() error {
			for _, err := range e.Members(ctx, "nope") {
				return err
			}
			return nil
		}, profile.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, tc.call(), tc.want)
		})
	}
	require.Empty(t, *told, "no profile was made")
}

func TestABatchWithOneBadMessageIsRefusedWhole(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	require.NoError(t, e.Create(ctx, audience.Define("buyers").Members(audience.Performed("Buy"))))
	good := profile.Message{Type: profile.Track, UserID: "u", Name: "Buy", Time: start}
	bad := good
	bad.Time = profile.MaxTime
	err := e.Apply(ctx, good, bad)
	var of *audience.MessageError
	require.ErrorAs(t, err, &of)
	require.Equal(t, 1, of.Index)
	require.ErrorIs(t, err, audience.ErrRefused)
	require.ErrorIs(t, err, profile.ErrTime)
	require.Empty(t, *told)
}

func TestHostileJSONIsRefused(t *testing.T) {
	huge := append(append([]byte(`{"type":"track","event":"Buy","userId":"u","timestamp":"2026-01-01T00:00:00Z","properties":{"x":"`),
		bytes.Repeat([]byte("x"), 10<<20)...), []byte(`"}}`)...)
	deep := []byte(`{"type":"track","event":"Buy","userId":"u","timestamp":"2026-01-01T00:00:00Z","properties":{"x":` +
		strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}}`)
	for name, text := range map[string][]byte{"10 MiB of properties": huge, "1,000 levels": deep} {
		t.Run(name, func(t *testing.T) {
			_, err := profile.ParseMessage(text)
			require.ErrorIs(t, err, profile.ErrTooLarge)
		})
	}
	_, err := profile.NewObject(map[string]any{"x": math.NaN()})
	require.ErrorIs(t, err, profile.ErrInvalid)
}

// deep returns a definition of so many levels.
func deep(levels int) audience.Node {
	n := audience.Performed("Buy").Node()
	for range levels - 1 {
		n = audience.Not(n)
	}
	return n
}

func TestBadDefinitionsSayWhatAndWhere(t *testing.T) {
	buy := audience.Performed("Buy")
	wide := make([]audience.Condition, audience.MaxNodes)
	for i := range wide {
		wide[i] = audience.Performed(fmt.Sprint(i))
	}
	for name, tc := range map[string]struct {
		def  audience.Definition
		want error
		text string // the error has it
	}{
		"no key":             {audience.Define("").Members(buy), audience.ErrKey, "key"},
		"key in upper case":  {audience.Define("Buyers").Members(buy), audience.ErrKey, `"Buyers"`},
		"key with a digit":   {audience.Define("1st").Members(buy), audience.ErrKey, `"1st"`},
		"no condition":       {audience.Define("a"), profile.ErrInvalid, "where: "},
		"empty all":          {audience.Define("a").Members(audience.All()), profile.ErrInvalid, "where.all"},
		"two in one":         {audience.Define("a").Members(audience.Node{Trait: "true", Audience: "b"}), profile.ErrInvalid, "trait and audience"},
		"empty event name":   {audience.Define("a").Members(audience.Any(buy, audience.Performed(""))), profile.ErrInvalid, "where.any[1].event.name"},
		"negative count":     {audience.Define("a").Members(buy.AtLeast(-1)), profile.ErrInvalid, "where.event.count"},
		"count of millions":  {audience.Define("a").Members(buy.AtLeast(2_000_000)), profile.ErrInvalid, "where.event.count"},
		"empty window":       {audience.Define("a").Members(buy.Between(time.Hour, time.Hour)), profile.ErrInvalid, "where.event.window"},
		"window of nothing":  {audience.Define("a").Members(buy.Within(0)), profile.ErrInvalid, "where.event.window"},
		"window too long":    {audience.Define("a").Members(buy.Within(51 * 365 * profile.Day)), profile.ErrInvalid, "where.event.window"},
		"CEL syntax":         {audience.Define("a").Members(audience.Not(buy.Where("properties.x ="))), nil, "where.not.event.where: 1:14: Syntax error"},
		"CEL unknown name":   {audience.Define("a").Members(buy.Where("now > timestamp")), nil, "1:1: undeclared reference to 'now'"},
		"CEL not a boolean":  {audience.Define("a").Members(audience.Trait("1 + 1")), nil, "where.trait: "},
		"CEL of great cost":  {audience.Define("a").Members(buy.Where(hostile())), nil, "where.event.where"},
		"trait without name": {audience.Define("a").Members(audience.TraitDate("", trait.WithinNext(profile.Day))), profile.ErrInvalid, "where.trait_date"},
		"date of no path":    {audience.Define("a").Members(audience.TraitDate("a..b", trait.WithinNext(profile.Day))), profile.ErrInvalid, "where.trait_date.name"},
		"no such zone":       {audience.Define("a").Members(audience.Not(audience.DateIs(trait.Value("d").WithinNext(profile.Day).InYears("Europe/Atlantis")))), profile.ErrInvalid, `where.not.trait_date.zone: invalid input: time zone "Europe/Atlantis" does not exist`},
		"the machine's zone": {audience.Define("a").Members(audience.DateIs(trait.Value("d").WithinNext(profile.Day).InYears("Local"))), profile.ErrInvalid, "where.trait_date.zone"},
		"a zone of no year":  {audience.Define("a").Members(audience.DateIs(trait.Date{Name: "d", Zone: "UTC"})), profile.ErrInvalid, "where.trait_date.zone"},
		"a year of no end":   {audience.Define("a").Members(audience.DateIs(trait.Value("d").InPast().InYears(""))), profile.ErrInvalid, "where.trait_date.window"},
		"more than a year":   {audience.Define("a").Members(audience.DateIs(trait.Value("d").WithinLast(364 * profile.Day).InYears(""))), profile.ErrInvalid, "where.trait_date.window"},
		"date backwards":     {audience.Define("a").Members(audience.TraitDate("d", trait.WithinNext(-profile.Day))), profile.ErrInvalid, "where.trait_date"},
		"unknown audience":   {audience.Define("a").Members(audience.InAudience("b")), profile.ErrNotFound, `"b"`},
		"itself":             {audience.Define("a").Members(audience.InAudience("a")), audience.ErrCycle, "a → a"},
		"too deep":           {audience.Define("a").Members(deep(audience.MaxDepth + 1)), profile.ErrTooLarge, "where.not.not"},
		"too wide":           {audience.Define("a").Members(audience.All(wide...)), profile.ErrTooLarge, "nodes"},
	} {
		t.Run(name, func(t *testing.T) {
			err := audience.Check(tc.def)
			var at *audience.DefinitionError
			require.ErrorAs(t, err, &at)
			require.Equal(t, tc.def.Key, at.Audience)
			require.ErrorContains(t, err, tc.text)
			if tc.want != nil {
				require.ErrorIs(t, err, tc.want)
			}
		})
	}
	require.NoError(t, audience.Check(audience.Define("a").Members(deep(audience.MaxDepth))))
}

// hostile returns an expression that would cost more than any audience is
// worth.
func hostile() string {
	return "properties.l.all(a, properties.l.all(b, properties.l.all(c, properties.l.all(d, a + b + c + d > 0))))"
}

func TestACycleIsSpelledOut(t *testing.T) {
	err := audience.Check(
		audience.Define("a").Members(audience.InAudience("b")),
		audience.Define("b").Members(audience.Not(audience.InAudience("c"))),
		audience.Define("c").Members(audience.InAudience("a")),
	)
	require.ErrorIs(t, err, audience.ErrCycle)
	require.ErrorContains(t, err, "a → b → c → a")
}

func TestAKeyIsNeverUsedTwice(t *testing.T) {
	ctx := context.Background()
	e, _, _ := newEngine(t)
	def := audience.Define("buyers").Members(audience.Performed("Buy"))
	require.NoError(t, e.Create(ctx, def))
	require.ErrorIs(t, e.Create(ctx, def), audience.ErrExists)
	require.NoError(t, e.DeleteAudience(ctx, "buyers"))
	require.ErrorIs(t, e.Create(ctx, def), profile.ErrRetired)
	require.ErrorIs(t, e.Create(ctx, audience.Define("twice").Members(audience.Performed("Buy")),
		audience.Define("twice").Members(audience.Performed("Sell"))), audience.ErrExists)
	require.Empty(t, e.List())
}

func TestOneBadDefinitionRefusesAll(t *testing.T) {
	ctx := context.Background()
	e, _, told := newEngine(t)
	require.NoError(t, e.Track(ctx, event("u", "Buy", 0)))
	err := e.Create(ctx,
		audience.Define("good").Members(audience.Performed("Buy")),
		audience.Define("bad").Members(audience.Performed("Buy").Where("nonsense")),
	)
	require.Error(t, err)
	require.Empty(t, e.List())
	require.Empty(t, *told)
	require.NoError(t, e.Create(ctx, audience.Define("good").Members(audience.Performed("Buy"))), "its key was not taken")
}

func TestAnAudienceThatAnotherRefersToStays(t *testing.T) {
	ctx := context.Background()
	e, _, _ := newEngine(t)
	require.NoError(t, e.Create(ctx,
		audience.Define("idle").Members(audience.Not(audience.InAudience("buyers"))),
		audience.Define("buyers").Members(audience.Performed("Buy")),
	))
	require.ErrorIs(t, e.DeleteAudience(ctx, "buyers"), audience.ErrInUse)
	require.NoError(t, e.DeleteAudience(ctx, "idle"))
	require.NoError(t, e.DeleteAudience(ctx, "buyers"))
}

func TestAWindowLongerThanTheRetentionIsRefused(t *testing.T) {
	ctx := context.Background()
	e, clock, _ := newEngine(t, profile.WithRetention(30*profile.Day))
	buy := audience.Performed("Buy")
	for _, c := range []audience.Condition{buy, buy.Within(31 * profile.Day), buy.Between(profile.Day, 31*profile.Day)} {
		require.ErrorIs(t, e.Create(ctx, audience.Define("a").Members(c)), audience.ErrWindow)
	}
	require.NoError(t, e.Create(ctx, audience.Define("a").Members(buy.Within(30*profile.Day))))
	clock.Set(start.Add(40 * profile.Day))
	require.ErrorIs(t, e.Track(ctx, event("u", "Buy", 0)), profile.ErrRetention)
}

func TestAfterCloseEverythingIsErrClosed(t *testing.T) {
	ctx := context.Background()
	e, _, _ := newEngine(t)
	require.NoError(t, e.Create(ctx, audience.Define("a").Members(audience.Performed("Buy"))))
	ran := make(chan error)
	go func() { ran <- e.Run(ctx) }()
	require.NoError(t, e.Close())
	require.NoError(t, <-ran, "Run ends with Close")
	require.NoError(t, e.Close(), "closing twice is fine")
	for name, call := range map[string]func() error{
		"Track":      func() error { return e.Track(ctx, event("u", "Buy", 0)) },
		"Identify":   func() error { return e.Identify(ctx, audience.Identify{Profile: "u", Time: start}) },
		"Group":      func() error { return e.Group(ctx, audience.Group{Profile: "u", Account: "a", Time: start}) },
		"Alias":      func() error { return e.Alias(ctx, "u", "v") },
		"DeleteUser": func() error { return e.DeleteUser(ctx, "u") },
		"Create":     func() error { return e.Create(ctx, audience.Define("b").Members(audience.Performed("Buy"))) },
		"Drop":       func() error { return e.DeleteAudience(ctx, "a") },
		"Advance":    func() error { return e.Advance(ctx, start) },
		"Run":        func() error { return errors.Join(e.Run(ctx), profile.ErrClosed) },
		"Members": func() error {
			for _, err := range e.Members(ctx, "a") {
				return err
			}
			return nil
		},
		"MemberCount": func() error { _, err := e.MemberCount(ctx, "a"); return err },
		"AudiencesOf": func() error { _, err := e.AudiencesOf(ctx, profile.UserRef("u")); return err },
		"Misses":      func() error { _, err := e.Misses("a"); return err },
	} {
		require.ErrorIs(t, call(), profile.ErrClosed, name)
	}
}
