// Package cookbook_test runs the recipes of README.md.
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
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	recipes := 0
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
	require.Equal(t, 7, recipes)
}
