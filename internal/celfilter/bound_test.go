package celfilter

import (
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/profile"
)

// What an event brings cannot make a filter work for long: what goes beyond a limit is
// a miss. The limits count steps and bytes, so nothing here depends on time.
func TestTheWorkOfAnEvaluationIsBounded(t *testing.T) {
	env, err := NewEnv(nil)
	require.NoError(t, err)
	long := strings.Repeat("a", 100_000)
	list := make([]any, 20_000)
	for i := range list {
		list[i] = "x"
	}
	for name, tc := range map[string]struct {
		filter string
		props  map[string]any
		want   Result
	}{
		"a short text":                           {`properties.text.matches("(a|b)+c{3}$")`, map[string]any{"text": "abcc"}, False},
		"a long text, a small pattern":           {`properties.text.matches("^a+$")`, map[string]any{"text": long}, True},
		"a long text, a large pattern":           {`properties.text.matches("(a?){200}b$")`, map[string]any{"text": long}, Miss},
		"the same in a loop":                     {`properties.list.exists(x, properties.text.matches("(a?){200}b$"))`, map[string]any{"text": long, "list": list[:2]}, Miss},
		"a pattern of the event":                 {`properties.text.matches(properties.pattern)`, map[string]any{"text": "abc", "pattern": "^a.c$"}, True},
		"a long pattern of the event":            {`properties.text.matches(properties.pattern)`, map[string]any{"text": "abc", "pattern": long}, Miss},
		"a small pattern of many steps":          {`properties.text.matches(properties.pattern)`, map[string]any{"text": "abc", "pattern": "((a{30}){30}){30}"}, Miss},
		"a pattern of the event on a long text":  {`properties.text.matches(properties.pattern)`, map[string]any{"text": long, "pattern": "(a?){200}b$"}, Miss},
		"a pattern of the event that is none":    {`properties.text.matches(properties.pattern)`, map[string]any{"text": "abc", "pattern": "("}, Miss},
		"replacing in a loop":                    {`properties.list.exists(x, properties.text.replace("a", "b") == x)`, map[string]any{"text": long, "list": list}, Miss},
		"splitting in a loop":                    {`properties.list.exists(x, size(properties.text.split("a")) == 1)`, map[string]any{"text": long, "list": list}, Miss},
		"putting texts together in a loop":       {`properties.list.exists(x, properties.text + properties.text == x)`, map[string]any{"text": long, "list": list}, Miss},
		"a loop in a loop":                       {`properties.list.all(x, properties.list.exists(y, x + "y" == y))`, map[string]any{"list": list}, Miss},
		"looking through a long list in a loop":  {`properties.list.all(x, "y" in properties.list)`, map[string]any{"list": list}, False},
		"a loop over a list of an ordinary size": {`properties.list.exists(x, x.matches("^y"))`, map[string]any{"list": append([]any{"yes"}, list[:100]...)}, True},
	} {
		f, err := env.Event(tc.filter)
		require.NoError(t, err, name)
		props, err := profile.NewObject(tc.props)
		require.NoError(t, err, name)
		if got := f.Eval(&Input{Name: "E", Properties: props}); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// The size of a pattern is bounded before it is compiled, not after.
func TestThePatternsSizeIsABoundOnItsInstructions(t *testing.T) {
	for _, source := range []string{"a", "abc", "a*b+c?", "(a|b|c)", "[a-z]{3,5}", "(ab{2}){3}", "^x$", "(a?){20}", ".{1,30}", "(?i)straße", `\d+(\.\d{2})?`} {
		parsed, err := syntax.Parse(source, syntax.Perl)
		require.NoError(t, err, source)
		compiled, err := syntax.Compile(parsed.Simplify())
		require.NoError(t, err, source)
		require.GreaterOrEqual(t, sizeOf(parsed), len(compiled.Inst)-2, source) // but for fail and match
	}
	for _, source := range []string{"a{1000}b{1000}", "((a{30}){30}){30}", "(a{1000}){1000}", strings.Repeat("ab", 1000)} {
		_, err := compilePattern(source)
		require.Error(t, err, source)
	}
}
