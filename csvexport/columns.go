package csvexport

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/muster-go/muster/profile"
)

// MaxColumns is how many columns a file has at most: as many as spreadsheets
// take. An export that needs more fails with profile.ErrTooLarge.
const MaxColumns = 16384

// column is the columns of one external id type.
type column struct {
	idType string
	width  int // how many: for IndexedColumns the most values that a profile has
}

// columns are those of the external ids, sorted by type.
type columns []column

// findColumns returns the columns of a formatted export, none of another one: the
// first pass over the profiles, which the store makes.
func (s *source) findColumns(ctx context.Context, f Format) (columns, error) {
	if !f.formatted() {
		return nil, nil
	}
	widths, err := s.reader.MaxIDs(ctx, s.key, s.subject)
	if err != nil {
		return nil, err
	}
	var all columns
	total := 0
	for _, t := range slices.Sorted(maps.Keys(widths)) {
		width := widths[t]
		if f == AdditionalRows {
			width = 1
		}
		all = append(all, column{t, width})
		total += width
	}
	if total > MaxColumns {
		return nil, fmt.Errorf("%w: %d columns of external ids, at most %d", profile.ErrTooLarge, total, MaxColumns)
	}
	return all, nil
}

// names returns the names of the columns: the type, and for further values
// type_1, type_2 and so on. Where that is the name of another column already,
// or of one of fixed, the number is passed over.
func (all columns) names(fixed []string) []string {
	taken := map[string]bool{}
	for _, name := range fixed {
		taken[name] = true
	}
	own := map[string]bool{} // the types that a column is named after
	for _, c := range all {
		own[c.idType] = !taken[c.idType]
	}
	for _, c := range all {
		taken[c.idType] = true
	}
	var names []string
	for _, c := range all {
		further := c.width
		if own[c.idType] {
			names = append(names, c.idType)
			further--
		}
		for n := 1; further > 0; n++ {
			if name := c.idType + "_" + strconv.Itoa(n); !taken[name] {
				taken[name] = true
				names = append(names, name)
				further--
			}
		}
	}
	return names
}
