package csvexport

import (
	"errors"
	"strconv"

	"github.com/muster-go/muster/profile"
)

// A form is a format at work: it makes lines of the file from profiles.
type form interface {
	// header returns the names of the columns.
	header() []string
	// begin turns to a profile, and returns how many lines it has at most. The
	// row is read until the next one begins.
	begin(h *profile.Holder) (lines int, err error)
	// line appends the n-th line, without its end. It reports false if there is
	// none, because the value has no normal form.
	line(b []byte, n int) ([]byte, bool)
}

// form returns the form of an export from s, with the columns that a formatted
// one has.
func (e *Export) form(s *source, all columns) form {
	c := newCells(e.delimiter(), e.protect())
	wide := unformatted{cells: c, trait: s.trait}
	switch e.Format {
	case IndexedColumns:
		return &indexed{unformatted: wide, columns: all}
	case AdditionalRows:
		return &additional{indexed: indexed{unformatted: wide, columns: all}}
	case SingleColumn:
		return &single{
			cells: c, idType: e.IDType, hashed: !e.Raw.given, normal: e.Platform.normaliser(e.IDType, e.CallingCode),
		}
	}
	return &wide
}

// unformatted has a line for each profile, with all ids in one cell.
type unformatted struct {
	*cells
	trait bool // there is a value
	row   *profile.Holder
}

func (f *unformatted) header() []string {
	if f.trait {
		return []string{"key", "value", "external_ids"}
	}
	return []string{"key", "external_ids"}
}

func (f *unformatted) begin(h *profile.Holder) (int, error) {
	f.row = h
	return 1, nil
}

func (f *unformatted) line(b []byte, _ int) ([]byte, bool) {
	b = append(f.text(b, f.row.ID), f.delimiter)
	if f.trait {
		b = append(f.value(b, f.row.Value), f.delimiter)
	}
	return f.ids(b, f.row.IDs), true
}

// value appends a cell with the value of a computed trait: text as it is,
// everything else as JSON.
func (c *cells) value(b []byte, v profile.Value) []byte {
	if text, ok := v.Text(); ok {
		return c.text(b, text)
	}
	if n, ok := v.Int(); ok {
		var digits [20]byte
		return c.text(b, string(strconv.AppendInt(digits[:0], n, 10)))
	}
	return c.text(b, v.String())
}

// indexed has besides a column for each id type, and more for further values.
type indexed struct {
	unformatted
	columns columns
	values  [][]profile.ExternalID // of the row, for each of the columns
}

func (f *indexed) header() []string {
	fixed := f.unformatted.header()
	return append(fixed, f.columns.names(fixed)...)
}

// errChanged is met when there is no snapshot under the two passes.
var errChanged = errors.New("external ids that the first pass did not meet, or out of order: the reader is no snapshot")

func (f *indexed) begin(h *profile.Holder) (int, error) {
	if _, err := f.split(h); err != nil {
		return 0, err
	}
	for i, values := range f.values {
		if len(values) > f.columns[i].width {
			return 0, errChanged
		}
	}
	return 1, nil
}

// split finds the values of each column, and returns the greatest number of
// values that one has.
func (f *indexed) split(h *profile.Holder) (most int, err error) {
	f.row, f.values = h, f.values[:0]
	rest := h.IDs
	for i := range f.columns {
		n := 0
		for n < len(rest) && rest[n].Type == f.columns[i].idType {
			n++
		}
		f.values = append(f.values, rest[:n])
		rest = rest[n:]
		most = max(most, n)
	}
	if len(rest) > 0 {
		return 0, errChanged
	}
	return most, nil
}

func (f *indexed) line(b []byte, _ int) ([]byte, bool) {
	b, _ = f.unformatted.line(b, 0)
	for i, values := range f.values {
		for k := range f.columns[i].width {
			b = append(b, f.delimiter)
			if k < len(values) {
				b = f.text(b, values[k].Value)
			}
		}
	}
	return b, true
}

// additional has one column for each id type, and lines for further values: the
// n-th line has the n-th value of each type.
type additional struct {
	indexed
	start []byte // what the lines of a profile have in common
}

func (f *additional) begin(h *profile.Holder) (int, error) {
	most, err := f.split(h)
	f.start, _ = f.unformatted.line(f.start[:0], 0)
	return max(most, 1), err
}

func (f *additional) line(b []byte, n int) ([]byte, bool) {
	b = append(b, f.start...)
	for _, values := range f.values {
		b = append(b, f.delimiter)
		if n < len(values) {
			b = f.text(b, values[n].Value)
		}
	}
	return b, true
}

// single has the values of one id type, and nothing else.
type single struct {
	*cells
	idType string
	hashed bool
	normal normaliser

	values []profile.ExternalID // of the profile
	buffer []byte               // of the value in its normal form
}

func (f *single) header() []string { return []string{f.idType} }

func (f *single) begin(h *profile.Holder) (int, error) {
	first := 0
	for first < len(h.IDs) && h.IDs[first].Type != f.idType {
		first++
	}
	end := first
	for end < len(h.IDs) && h.IDs[end].Type == f.idType {
		end++
	}
	f.values = h.IDs[first:end]
	return len(f.values), nil
}

func (f *single) line(b []byte, n int) ([]byte, bool) {
	var ok bool
	if f.buffer, ok = f.normal(f.buffer[:0], f.values[n].Value); !ok {
		return b, false
	}
	if f.hashed {
		return appendHash(b, f.buffer), true
	}
	return f.text(b, string(f.buffer)), true
}
