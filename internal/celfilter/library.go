package celfilter

import "github.com/google/cel-go/cel"

// library returns the functions beyond CEL's standard ones.
func library() cel.EnvOption {
	return func(e *cel.Env) (*cel.Env, error) { return e, nil }
}
