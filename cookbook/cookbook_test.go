// Package cookbook_test runs the scripts of the pages.
package cookbook_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience/audiencetest"
)

// Every recipe is a script that does what it says, by the heading above it.
func TestRecipes(t *testing.T) {
	for page, recipes := range map[string]int{"README.md": 8, "missing.md": 4} {
		t.Run(page, func(t *testing.T) { require.Equal(t, recipes, runPage(t, page)) })
	}
}

// runPage runs the scripts of a page, and returns how many there are.
func runPage(t *testing.T, name string) (recipes int) {
	page, err := os.ReadFile(name)
	require.NoError(t, err)
	for _, section := range strings.Split(string(page), "\n## ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		_, script, found := strings.Cut(text, "```script\n")
		if !found {
			continue
		}
		script, _, closed := strings.Cut(script, "\n```")
		require.True(t, closed, name)
		recipes++
		t.Run(name, func(t *testing.T) {
			require.Contains(t, script, "\nexpect ")
			audiencetest.RunText(t, name, script)
		})
	}
	return recipes
}
