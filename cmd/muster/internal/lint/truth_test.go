package lint

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/celfilter"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// What is said of an expression holds for whatever traits there are: random expressions
// are evaluated for many, and no answer is one that was said to be impossible.
func TestWhatIsSaidOfExpressionsHolds(t *testing.T) {
	env, err := celfilter.NewEnv(nil)
	require.NoError(t, err)
	l := &linter{env: env, defined: definedIn(audience.File{Traits: []trait.Computed{trait.Count("n", "E")}})}
	inputs := traitsToTry(t)
	random := rand.New(rand.NewPCG(1, 2))
	certain := 0
	for range 2000 {
		text := expression(random, 3)
		filter, err := env.Trait(text)
		require.NoError(t, err, text)
		said := l.truthOf(text)
		require.NoError(t, l.err, text)
		for i := range inputs {
			got := filter.Eval(&celfilter.Input{Traits: &inputs[i]})
			possible := map[celfilter.Result]bool{celfilter.True: said.isTrue, celfilter.False: said.isFalse, celfilter.Miss: said.misses}[got]
			require.True(t, possible, "%s is %s of %s, and was said to be %+v", text, got, inputs[i], said)
		}
		if c := said.condition(); c == always || c == never {
			certain++
		}
	}
	require.Greater(t, certain, 200, "so many expressions were said to be always or never true")
}

// traitsToTry returns objects of which some lack x or y, and all have the count n.
func traitsToTry(t *testing.T) []profile.Object {
	var all []profile.Object
	for _, x := range []any{nil, 0, 1, 2, 2.5, "a", "b", true} {
		for _, y := range []any{nil, 1, "a"} {
			for _, n := range []int{0, 1, 2, 3} {
				traits := map[string]any{"n": n}
				if x != nil {
					traits["x"] = x
				}
				if y != nil {
					traits["y"] = y
				}
				o, err := profile.NewObject(traits)
				require.NoError(t, err)
				all = append(all, o)
			}
		}
	}
	return all
}

// expression returns one that is a condition on the traits x, y and n.
func expression(random *rand.Rand, depth int) string {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	if depth == 0 || random.IntN(4) == 0 {
		variable := pick("traits.x", "traits.y", `traits["x"]`, "traits.n", "traits.n")
		constant := pick("0", "1", "2", "2.5", "-1", `"a"`, `"b"`, "true")
		switch random.IntN(10) {
		case 0:
			return pick("true", "false", "1 == 1", `"a" in ["b"]`, "has(traits.x)")
		case 1:
			return fmt.Sprintf("%s %s %s", constant, pick("==", "!="), variable)
		}
		return fmt.Sprintf("%s %s %s", variable, pick("==", "!=", "<", "<=", ">", ">="), constant)
	}
	if random.IntN(4) == 0 {
		return "!(" + expression(random, depth-1) + ")"
	}
	parts := make([]string, 2+random.IntN(2))
	for i := range parts {
		parts[i] = "(" + expression(random, depth-1) + ")"
	}
	return strings.Join(parts, pick(" && ", " && ", " || "))
}
