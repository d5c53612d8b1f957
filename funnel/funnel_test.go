package funnel_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/funnel"
	"github.com/muster-go/muster/profile"
)

func TestErrorsNameTheirPlace(t *testing.T) {
	start := func() funnel.Funnel { return funnel.Start("a", "A") }
	many := start()
	for i := range funnel.MaxSteps {
		many = many.Followed(fmt.Sprintf("s%d", i), "B")
	}
	for want, f := range map[string]funnel.Funnel{
		"steps: invalid input: no steps":            {},
		"steps: input too large: 65 steps":          many,
		"window: invalid input":                     start().WithWindow(profile.Within(-time.Hour)),
		"steps[0].not: invalid input":               funnel.Funnel{}.NotFollowed("a", "A").Within(time.Hour),
		"steps[0].within: invalid input":            start().Within(time.Hour),
		"steps[0].name: invalid input: \"\"":        funnel.Start("", "A"),
		"steps[0].name: invalid input: \"in\"":      funnel.Start("in", "A"),
		"steps[1].name: invalid input: \"b c\"":     start().Followed("b c", "B"),
		"steps[1].name: invalid input: \"a\" names": start().Followed("a", "B"),
		"steps[1].event: invalid input":             start().Followed("b", ""),
		"steps[1].within: invalid input: -1h":       start().Followed("b", "B").Within(-time.Hour),
		"steps[1].within: invalid input: 18250d1ns": start().Followed("b", "B").Within(profile.MaxWindow + 1),
		"steps[1].within: invalid input: a step":    start().NotFollowed("b", "B"),
		"steps[1].within: invalid input: never":     start().NotFollowed("b", "B").Within(time.Hour).WithWindow(profile.Within(time.Hour)),
		"steps[1].pending: invalid input":           start().Followed("b", "B").Pending(),
		"steps[1].until_next: invalid input: only":  start().Followed("b", "B").UntilNext(),
		"steps[1].until_next: invalid input: no":    start().NotFollowed("b", "B").UntilNext(),
		"steps[1].until_next: invalid input: with":  start().NotFollowed("b", "B").UntilNext().Within(1).Followed("c", "C"),
		"steps[1].pending: invalid input: until":    start().NotFollowed("b", "B").UntilNext().Pending().Followed("c", "C"),
		"steps[1].next: invalid input":              start().NotFollowed("b", "B").Next().Within(1),
		"steps[0].next: invalid input":              start().Next(),
	} {
		err := f.Validate()
		require.ErrorContains(t, err, want)
		var at *funnel.Error
		require.ErrorAs(t, err, &at)
		require.True(t, strings.HasPrefix(want, at.Path+":"))
		require.True(t, errors.Is(err, profile.ErrInvalid) || errors.Is(err, profile.ErrTooLarge))
	}
	require.NoError(t, start().NotFollowed("b", "B").Within(time.Hour).Pending().WithWindow(profile.Within(time.Hour)).Validate())
}

func TestBuilderSharesNothing(t *testing.T) {
	start := funnel.Start("a", "A").Followed("b", "B")
	one, two := start.Followed("c", "C"), start.Followed("d", "D")
	start.Where("true")
	one.Within(time.Hour)
	require.Equal(t, []funnel.Step{{Name: "a", Event: "A"}, {Name: "b", Event: "B"}, {Name: "c", Event: "C"}}, one.Steps)
	require.Equal(t, []funnel.Step{{Name: "a", Event: "A"}, {Name: "b", Event: "B"}, {Name: "d", Event: "D"}}, two.Steps)
	require.Zero(t, funnel.Funnel{}.Where("x").Within(1).Pending())
}

func TestJSON(t *testing.T) {
	text := `{"window":{"between":["1d","30d"]},"steps":[` +
		`{"name":"viewed","event":"Product Viewed","where":"properties.x == 1"},` +
		`{"name":"ordered","event":"Order Completed","within":"7d","not":true,"pending":true}]}`
	var f funnel.Funnel
	require.NoError(t, json.Unmarshal([]byte(text), &f))
	require.Equal(t, funnel.Start("viewed", "Product Viewed").Where("properties.x == 1").
		NotFollowed("ordered", "Order Completed").Within(profile.Week).Pending().
		WithWindow(profile.Between(profile.Day, 30*profile.Day)), f)
	again, err := json.Marshal(f)
	require.NoError(t, err)
	require.Equal(t, text, string(again))

	between := funnel.Start("a", "A").NotFollowed("b", "B").UntilNext().Followed("c", "C").Next()
	text = `{"steps":[{"name":"a","event":"A"},{"name":"b","event":"B","not":true,"until_next":true},{"name":"c","event":"C","next":true}]}`
	again, err = json.Marshal(between)
	require.NoError(t, err)
	require.Equal(t, text, string(again))
	var read funnel.Funnel
	require.NoError(t, json.Unmarshal(again, &read))
	require.Equal(t, between, read)

	for want, text := range map[string]string{
		`unknown field "step"`:       `{"step":[]}`,
		`unknown field "where "`:     `{"steps":[{"name":"a","event":"A","where ":"true"}]}`,
		`within: 0s`:                 `{"steps":[{"name":"a","event":"A","within":"0s"}]}`,
		`duration "soon"`:            `{"steps":[{"name":"a","event":"A","within":"soon"}]}`,
		`window`:                     `{"window":{"within":"0s"},"steps":[]}`,
		`not: 1, want true or false`: `{"steps":[{"name":"a","event":"A","not":1}]}`,
	} {
		require.ErrorContains(t, json.Unmarshal([]byte(text), &f), want)
	}
}
