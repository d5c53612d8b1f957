package audiencetest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// findingsOf returns what scripts, run one after the other, leave untested.
func findingsOf(t *testing.T, scripts ...string) []string {
	t.Helper()
	c := NewCoverage()
	for _, text := range scripts {
		require.Empty(t, mustParse(t, text).Run(context.Background(), Options{Coverage: c}).Failures)
	}
	findings, err := c.Findings()
	require.NoError(t, err)
	texts := []string{}
	for _, f := range findings {
		texts = append(texts, f.String())
	}
	return texts
}

func TestAnAudienceThatIsNeverTrueOrAlwaysTrue(t *testing.T) {
	require.Equal(t, []string{
		`audience "always": is never false in any script`,
		`audience "never": is never true in any script`,
	}, findingsOf(t, `
create audience {"key": "always", "where": {"event": {"name": "Visit"}}}
create audience {"key": "never", "where": {"trait": "traits.plan == \"gold\""}}
track ann Visit
identify ann plan=free
`))
	require.Equal(t, []string{
		`audience "any": is never looked at: there is nobody in any script`,
		`audience "any": where.event: no script has an event "Visit"`,
	}, findingsOf(t, `create audience {"key": "any", "where": {"event": {"name": "Visit"}}}`))
}

// What one script leaves out another may have.
func TestLeavesAreCoveredByAllScriptsTogether(t *testing.T) {
	const definition = `create audience {"key": "either", "where": {"any": [{"event": {"name": "A"}}, {"event": {"name": "B"}}, {"not": {"event": {"name": "C"}}}]}}
`
	a, b := definition+"track ann A\n", definition+"track ann B\ntrack ben C\n"
	require.Equal(t, []string{
		`audience "either": is never false in any script`,
		`audience "either": where.any[0].event: performed "A" at least once: is never false in any script`,
		`audience "either": where.any[1].event: performed "B" at least once: is never true in any script`,
		`audience "either": where.any[2].not.event: performed "C" at least once: is never true in any script`,
		`audience "either": where.any[1].event: no script has an event "B"`,
		`audience "either": where.any[2].not.event: no script has an event "C"`,
	}, findingsOf(t, a))
	require.Empty(t, findingsOf(t, a, b))
}

// A window that opens and closes between two commands was true in between.
func TestTimeAloneCovers(t *testing.T) {
	require.Empty(t, findingsOf(t, `
create audience {"key": "lapsing", "where": {"event": {"name": "Visit", "window": {"between": ["1d", "2d"]}}}}
track ann Visit
at day 30
`))
}

func TestFiltersOnPropertiesThatNoEventHas(t *testing.T) {
	require.Equal(t, []string{
		`trait "spent": event.where: reads properties.state, which no "Order Completed" in any script has`,
		`trait "spent": property: reads properties.totl, which no "Order Completed" in any script has`,
		`audience "a": where.all[0].event.where: reads properties.prise and properties.sise, which no "Visit" in any script has`,
		`audience "a": where.all[1].not.funnel.steps[1].where: reads properties.sku, which no "Order Completed" in any script has`,
		`audience "a": where.all[1].not.funnel.steps[1].where: reads properties.skew, which no "Visit" in any script has`,
	}, findingsOf(t, `
create trait {"key": "spent", "type": "sum", "event": "Order Completed", "property": "totl.net", "where": "properties.state == \"paid\""}
create audience {"key": "a", "where": {"all": [
  {"event": {"name": "Visit", "where": "properties.prise > 10 || has(properties.sise) || properties.page == \"Home\" || true"}},
  {"not": {"funnel": {"steps": [
    {"name": "saw", "event": "Visit"},
    {"name": "bought", "event": "Order Completed", "where": "properties.sku == steps.saw.properties.skew || properties.total > 100"}]}}}
]}}
track ben "Order Completed" total=1
track ann Visit page=Home
at +1h
track ann "Order Completed" total=200
`))
}

// Events that callbacks send count as the script's.
func TestEventsOfCallbacksAreKnown(t *testing.T) {
	require.Empty(t, findingsOf(t, `
create audience {"key": "trial", "where": {"event": {"name": "Started", "window": {"within": "7d"}}}}
create audience {"key": "ended", "where": {"event": {"name": "Ended", "where": "properties.why == \"time\""}}}
on exited trial track Ended why=time
track ann Started
at day 30
`))
}

// A condition on the users of an account is one of those users. One that nobody
// was asked is written as the definition has it.
func TestConditionsOnUsersAreCovered(t *testing.T) {
	const definition = `create audience {"key": "lively", "of": "accounts", "where": {"users": {"any": {"all": [
  {"event": {"name": "Login"}}, {"trait": "traits.role == \"admin\""}]}}}}
`
	require.Equal(t, []string{
		`audience "lively": is never true in any script`,
		`audience "lively": where.users.any.all[0].event: {"event":{"name":"Login"}}: is never looked at: there is nobody in any script`,
		`audience "lively": where.users.any.all[1].trait: {"trait":"traits.role == \"admin\""}: is never looked at: there is nobody in any script`,
		`audience "lively": where.users.any.all[0].event: no script has an event "Login"`,
	}, findingsOf(t, "group ann acme\nleave ann acme\n"+definition))
	require.Empty(t, findingsOf(t, definition+"group ann acme\ntrack ann Login\nidentify ann role=admin\n"))
}

// What a script does is the same whether or not it is looked at.
func TestLookingChangesNothing(t *testing.T) {
	for _, path := range specScripts(t) {
		s, err := Parse(path, read(t, path))
		require.NoError(t, err)
		c := NewCoverage()
		require.Empty(t, s.Run(context.Background(), Options{Coverage: c}).Failures)
		_, err = c.Findings()
		require.NoError(t, err, path)
		covered, all := c.Leaves()
		require.LessOrEqual(t, covered, all)
	}
}
