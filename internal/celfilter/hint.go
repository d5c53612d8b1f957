package celfilter

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/muster-go/muster/internal/near"
)

var (
	stepPattern       = regexp.MustCompile(`\bsteps\.(\w+)`)
	undeclaredPattern = regexp.MustCompile(`undeclared reference to '(\w+)'`)
)

// hintAtStep adds to an error of a step's filter which step is meant by one that is
// not among the earlier ones.
func hintAtStep(err error, src string, earlier []string) error {
	for _, step := range stepPattern.FindAllStringSubmatch(src, -1) {
		if slices.Contains(earlier, step[1]) {
			continue
		}
		hint := fmt.Sprintf("no step %q comes before this one", step[1])
		if meant, ok := near.Name(step[1], slices.Values(earlier)); ok {
			hint += fmt.Sprintf(", did you mean %q?", meant)
		}
		return withHint(err, hint)
	}
	return err
}

// hintAtName adds to an error which variable is meant by one that there is not.
func hintAtName(err error, names map[string]variable) error {
	if err == nil {
		return nil
	}
	undeclared := undeclaredPattern.FindStringSubmatch(err.Error())
	if undeclared == nil {
		return err
	}
	roots := map[string]bool{}
	for name := range names {
		root, _, _ := strings.Cut(name, ".")
		roots[root] = true
	}
	meant, ok := near.Name(undeclared[1], maps.Keys(roots))
	if !ok {
		return err
	}
	return withHint(err, fmt.Sprintf("did you mean %q?", meant))
}

func withHint(err error, hint string) error {
	var of *Error
	if !errors.As(err, &of) {
		return err
	}
	hinted := *of
	hinted.text += "; " + hint
	return &hinted
}
