package audiencetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadme runs the scripts in README.md: each does what it expects, or has the
// report that follows it.
func TestReadme(t *testing.T) {
	blocks := fenced(read(t, "README.md"))
	scripts := 0
	for i, b := range blocks {
		if b.language != "script" {
			continue
		}
		scripts++
		s, err := Parse("cart.txt", b.text)
		require.NoError(t, err, b.text)
		var report strings.Builder
		for _, f := range s.Run(context.Background(), Options{}).Failures {
			fmt.Fprintln(&report, f)
		}
		want := ""
		if i+1 < len(blocks) && blocks[i+1].language == "report" {
			want = blocks[i+1].text
		}
		require.Equal(t, want, report.String(), b.text)
	}
	require.Greater(t, scripts, 3)
}

type fence struct{ language, text string }

// fenced returns the blocks of a page between ``` and ```.
func fenced(page string) []fence {
	var found []fence
	parts := strings.Split("\n"+page, "\n```")
	for i := 1; i < len(parts); i += 2 {
		language, text, _ := strings.Cut(parts[i], "\n")
		found = append(found, fence{language, text + "\n"})
	}
	return found
}
