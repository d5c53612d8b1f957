package csvexport

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/muster-go/muster/profile"
)

// Export says what is written and how. It is a plain value; only Key has to be
// set. Write, WriteFile and Estimate check it before they read anything; they
// may run at the same time.
type Export struct {
	Key    string // of an audience, whose members are written, or of a computed trait
	Format Format

	// PerUser writes, of an audience of accounts that is kept per user, the
	// users rather than the accounts.
	PerUser bool

	IDType   string        // of SingleColumn: the external id type, "email"
	Raw      RawPermission // of SingleColumn: values that can be read; by default they are hashed
	Platform Platform      // of SingleColumn: whose normal forms values have, before they are hashed
	// CallingCode is, of SingleColumn, the country's code of phones that are written
	// without one: "49" for Germany, "1" for North America. Empty: such a phone has
	// no normal form.
	CallingCode string

	NoHeader bool
	// Headers are other names for columns, by the names that they have: {"email":
	// "Email"}. A name that no column has is an error.
	Headers map[string]string
	// ByteOrderMark begins the file with one, by which Excel knows that it is UTF-8.
	ByteOrderMark bool
	Delimiter     byte // an ASCII character that is no quote or line break; 0 is the comma
	Formulas      Formulas
	Gzip          bool // compress what is written

	// Progress, if set, is called now and then with how far the export has come,
	// and once at the end of each stage. It runs on the caller's goroutine, and
	// the export waits for it.
	Progress func(Progress)
}

// Format is one of the forms of a file.
type Format uint8

// The formats. The package comment shows each.
const (
	Unformatted    Format = iota // a row for each profile, all its ids in one cell
	IndexedColumns               // a column for each id type, and more for further values
	AdditionalRows               // a column for each id type, and rows for further values
	SingleColumn                 // a row for each value of one id type, and nothing else
)

var formatNames = [...]string{"unformatted", "indexed columns", "additional rows", "single column"}

// String returns the format's name for people: "indexed columns".
func (f Format) String() string {
	if int(f) < len(formatNames) {
		return formatNames[f]
	}
	return fmt.Sprintf("format %d", uint8(f))
}

// formatted reports whether ids have columns of their own: only then are the
// columns known before all profiles were read.
func (f Format) formatted() bool { return f == IndexedColumns || f == AdditionalRows }

// RawPermission permits a single column to hold ids that can be read. The zero
// RawPermission does not: then the column holds hashes. It can only be had from
// PermitRaw, so that a search for that name finds every place in a program
// where ids leave in the clear.
type RawPermission struct{ given bool }

// PermitRaw returns the permission to write ids as they are: the caller states
// that whoever gets the file may know them.
func PermitRaw() RawPermission { return RawPermission{given: true} }

// Formulas says what becomes of text that a spreadsheet would run as a formula.
// The package comment has the rule.
type Formulas uint8

// The treatments of formulas.
const (
	FormulasByFormat Formulas = iota // protected in IndexedColumns and AdditionalRows, else kept
	ProtectFormulas                  // a leading apostrophe makes them text
	KeepFormulas                     // written as they are
)

// protect reports whether formulas are protected against.
func (e *Export) protect() bool {
	return e.Formulas == ProtectFormulas || e.Formulas == FormulasByFormat && e.Format.formatted()
}

// delimiter returns the byte between cells.
func (e *Export) delimiter() byte {
	if e.Delimiter == 0 {
		return ','
	}
	return e.Delimiter
}

// validate returns an error for an export that cannot be.
func (e *Export) validate() error {
	if err := profile.CheckID("key", e.Key); err != nil {
		return err
	}
	d := e.delimiter()
	switch {
	case int(e.Format) >= len(formatNames):
		return fmt.Errorf("%w: %s", profile.ErrInvalid, e.Format)
	case e.Formulas > KeepFormulas:
		return fmt.Errorf("%w: treatment %d of formulas", profile.ErrInvalid, e.Formulas)
	case d == '"' || d == '\r' || d == '\n' || d >= 0x80:
		return fmt.Errorf("%w: delimiter %q", profile.ErrInvalid, d)
	case e.NoHeader && len(e.Headers) > 0:
		return fmt.Errorf("%w: Headers without a header", profile.ErrInvalid)
	case e.Format == SingleColumn:
		return cmp.Or(profile.CheckID("external id type", e.IDType), e.Platform.validate(e.IDType), validateCallingCode(e.CallingCode))
	case e.IDType != "" || e.Raw.given || e.Platform != AsStored || e.CallingCode != "":
		return fmt.Errorf("%w: IDType, Raw, Platform and CallingCode are for a single column, not for %s", profile.ErrInvalid, e.Format)
	}
	return nil
}

// headers returns the names of the columns as they are written.
func (e *Export) headers(names []string) ([]string, error) {
	for name := range e.Headers {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("%w: header %q: there is no such column", profile.ErrInvalid, name)
		}
	}
	written := slices.Clone(names)
	for i, name := range names {
		if other, ok := e.Headers[name]; ok {
			written[i] = other
		}
	}
	return written, nil
}
