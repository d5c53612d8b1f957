package csvexport

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/profile"
)

// someRows returns profiles as a store would, of whom a quarter have two emails.
func someRows(n int) []profile.Holder {
	rows := make([]profile.Holder, n)
	for i := range rows {
		r := profile.Holder{ID: fmt.Sprintf("user-%07d", i), Value: profile.IntValue(int64(i))}
		r.IDs = append(r.IDs, profile.ExternalID{Type: "email", Value: fmt.Sprintf("person%d@example.com", i)})
		if i%4 == 0 {
			r.IDs = append(r.IDs, profile.ExternalID{Type: "email", Value: fmt.Sprintf("work%d@example.org", i)})
		}
		r.IDs = append(r.IDs, profile.ExternalID{Type: "user_id", Value: r.ID})
		rows[i] = r
	}
	return rows
}

// formOf returns the form of a format, for someRows.
func formOf(f Format) form {
	e := Export{Format: f, IDType: "email", Platform: Normalized}
	return e.form(&source{trait: true}, columns{{"email", 2}, {"user_id", 1}})
}

// appendLines appends the lines of a row.
func appendLines(t testing.TB, b []byte, f form, r *profile.Holder) []byte {
	lines, err := f.begin(r)
	require.NoError(t, err)
	for n := range lines {
		b, _ = f.line(b, n)
	}
	return b
}

func TestLinesAreMadeWithoutAllocation(t *testing.T) {
	rows := someRows(100)
	for format := range SingleColumn + 1 {
		f := formOf(format)
		buffer := make([]byte, 0, 1<<16)
		for i := range rows { // what the form keeps grows here
			buffer = appendLines(t, buffer[:0], f, &rows[i])
		}
		i := 0
		require.Zero(t, testing.AllocsPerRun(len(rows), func() {
			buffer = appendLines(t, buffer[:0], f, &rows[i%len(rows)])
			i++
		}), format)
	}
}

// BenchmarkLines makes lines of profiles that have been read: what the package
// itself does for a row.
func BenchmarkLines(b *testing.B) {
	rows := someRows(10_000)
	for format := range SingleColumn + 1 {
		b.Run(format.String(), func(b *testing.B) {
			f := formOf(format)
			b.ReportAllocs()
			buffer := make([]byte, 0, 1<<16)
			size := 0
			for i := range b.N {
				buffer = appendLines(b, buffer[:0], f, &rows[i%len(rows)])
				size += len(buffer)
			}
			b.SetBytes(int64(size / b.N))
		})
	}
}
