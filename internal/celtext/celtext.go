// Package celtext puts CEL expressions together, as text.
package celtext

// And returns an expression that is true where both are. An empty one is true.
func And(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return "(" + a + ") && (" + b + ")"
}
