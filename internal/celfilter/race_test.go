//go:build race

package celfilter

func init() { underRace = true }
