package csvexport_test

import (
	"encoding/csv"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/csvexport"
	"github.com/muster-go/muster/profile"
)

// FuzzReadBack writes two profiles with any ids, in each of the formats, and
// reads the file with encoding/csv: there is the same in it.
func FuzzReadBack(f *testing.F) {
	f.Add("ann", "email", "a@x.io", "b@x.io", "note", "x", "text", byte(','), false)
	f.Add("a,b", `"`, "\r\n", "\n\r", `""`, "a\rb", "\r", byte(';'), false)
	f.Add("=1", "external_ids", "-5", "-5+1", "key", "\t", "@x", byte('\t'), true)
	f.Add("\ufeffkey", "email", `\"`, "\u2028", "email_1", "日本", "\x00\x1f", byte('\''), true)
	f.Add(" ", " ", "  ", "a ", "\t", "'", "{", byte('{'), false)
	f.Add("0", "1", "2", "a", "f", "1", "", byte('a'), true)
	f.Fuzz(func(t *testing.T, key, type1, value1, value2, type2, value3, text string, delimiter byte, protect bool) {
		s := profile.NewMemStore()
		define(t, s, revenue)
		user, other := profile.UserRef(key), profile.UserRef(key+"x")
		err := profile.Apply(t.Context(), s, noon,
			ids(user, type1, value1, type1, value2, type2, value3), set("revenue", user, profile.StringValue(text)),
			ids(other, type1, value1), set("revenue", other, profile.IntValue(-3)))
		if err != nil {
			return // no id
		}
		has := map[string][][]string{} // for each profile the type and value of its ids
		for _, ref := range []profile.Ref{user, other} {
			list, err := s.IDs(t.Context(), ref)
			require.NoError(t, err)
			for _, id := range list {
				has[ref.ID] = append(has[ref.ID], []string{id.Type, id.Value})
			}
		}
		values := map[string]string{user.ID: text, other.ID: "-3"}
		read := &reading{delimiter: delimiter, protect: protect}
		if !read.takes() {
			return
		}
		for _, format := range []csvexport.Format{csvexport.Unformatted, csvexport.IndexedColumns, csvexport.AdditionalRows} {
			rows := read.rows(t, s, csvexport.Export{Format: format})
			require.Equal(t, []string{"key", "value", "external_ids"}, rows[0][:3])
			noTwoAlike(t, rows[0])
			got := map[string][][]string{}
			for _, row := range rows[1:] {
				require.Len(t, row, len(rows[0]))
				id := user.ID
				if row[0] != read.cell(id) {
					id = other.ID
				}
				require.Equal(t, []string{read.cell(id), read.cell(values[id])}, row[:2])
				require.Equal(t, has[id], fromJSON(t, row[2]))
				for i, cell := range row[3:] {
					if cell != "" {
						got[id] = append(got[id], []string{rows[0][3+i], cell})
					}
				}
			}
			if format != csvexport.Unformatted {
				for id := range has {
					require.Len(t, got[id], len(has[id]))
					var want, have []string
					for i := range has[id] {
						want = append(want, read.cell(has[id][i][1]))
						have = append(have, got[id][i][1])
					}
					if format == csvexport.IndexedColumns {
						require.Equal(t, want, have) // columns and ids are in one order
					}
					require.ElementsMatch(t, want, have)
				}
			}
		}
		rows := read.rows(t, s, csvexport.Export{Format: csvexport.SingleColumn, IDType: type1, Raw: csvexport.PermitRaw()})
		want := [][]string{{read.cell(type1)}}
		for _, ref := range []profile.Ref{user, other} {
			for _, id := range has[ref.ID] {
				if id[0] == type1 {
					want = append(want, []string{read.cell(id[1])})
				}
			}
		}
		require.Equal(t, want, rows)
	})
}

// reading is how files are written and read.
type reading struct {
	delimiter byte
	protect   bool
}

// takes reports whether encoding/csv knows the delimiter, and the export does.
func (r *reading) takes() bool {
	return r.delimiter != 0 && r.delimiter != '"' && r.delimiter != '\r' && r.delimiter != '\n' && r.delimiter < 0x80
}

func (r *reading) rows(t *testing.T, s profile.Store, e csvexport.Export) [][]string {
	e.Key, e.Delimiter, e.Formulas = "revenue", r.delimiter, csvexport.KeepFormulas
	if r.protect {
		e.Formulas = csvexport.ProtectFormulas
	}
	text, result := written(t, s, e)
	in := csv.NewReader(strings.NewReader(text))
	in.Comma = rune(r.delimiter)
	rows, err := in.ReadAll()
	require.NoError(t, err, "%q", text)
	require.Len(t, rows, result.Rows+1)
	return rows
}

// cell returns what is read where text was written: encoding/csv makes LF of
// CR LF, and a formula has an apostrophe in front.
func (r *reading) cell(text string) string {
	formula := text != "" && strings.IndexByte("=@\t\r+-", text[0]) >= 0 && !signed.MatchString(text)
	if r.protect && formula {
		text = "'" + text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\r\n", "\n")
}

var signed = regexp.MustCompile(`^[+-][0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// fromJSON returns the types and values in a cell of external ids, in order.
func fromJSON(t *testing.T, cell string) [][]string {
	in := json.NewDecoder(strings.NewReader(cell))
	var list [][]string
	token := func() json.Token {
		tok, err := in.Token()
		require.NoError(t, err, "%q", cell)
		return tok
	}
	require.Equal(t, json.Delim('{'), token())
	for in.More() {
		name := token()
		require.Equal(t, json.Delim('['), token())
		for in.More() {
			list = append(list, []string{name.(string), token().(string)})
		}
		require.Equal(t, json.Delim(']'), token())
	}
	require.Equal(t, json.Delim('}'), token())
	return list
}

func noTwoAlike(t *testing.T, names []string) {
	seen := map[string]bool{}
	for _, name := range names {
		require.False(t, seen[name], "two columns %q", name)
		seen[name] = true
	}
}
