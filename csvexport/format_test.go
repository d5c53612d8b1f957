package csvexport_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/csvexport"
	"github.com/muster-go/muster/profile"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden compares with a file in testdata, which -update writes.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// written returns what an export writes.
func written(t testing.TB, from profile.Reader, e csvexport.Export) (string, csvexport.Result) {
	t.Helper()
	var b bytes.Buffer
	result, err := e.Write(context.Background(), &b, from)
	require.NoError(t, err)
	return b.String(), result
}

// shop returns a store with audiences and traits of users and accounts, and
// everything in it that is hard to write.
func shop(t testing.TB) *profile.MemStore {
	s := profile.NewMemStore()
	define(t, s, buyers, atRisk, revenue, accounts)
	user, account := profile.UserRef, profile.AccountRef
	apply(t, s,
		ids(user("ann"), "user_id", "ann", "email", "ann@x.io", "email", " Ann@Y.IO", "phone", "+49 (0)170 123-45 67"),
		ids(user("ben"), "user_id", "ben", "phone", "0170 1234567", "phone", "+1 (555) 123.4567", "phone", "00441632960001"),
		ids(user("cho, the \"great\""), "email", `"quoted, name"@x.io`, "note", "two\r\nlines", "note", `back\slash`, "note", "tab\tand \x01"),
		ids(user("dée 日本"), "email", "dée@x.io", "email_1", "not the second email", "key", "k"),
		&profile.PutTraits{Ref: user("eve has no ids"), Time: noon},
		ids(user("=2+3"), "email", "@sum", "note", "-5", "note", "-5+1", "note", "+491701234567", "note", "\tx"),
		ids(user("fay"), "email", "FAY@X.IO "),
		ids(user("not a member"), "email", "not@x.io", "fax", "12"),

		ids(account("acme"), "domain", "acme.example", "domain", "acme.test"),
		ids(account("ann"), "domain", "the account of that name"),
	)
	for _, id := range []string{"ann", "ben", "cho, the \"great\"", "dée 日本", "eve has no ids", "=2+3", "fay"} {
		apply(t, s, enter("buyers", user(id)))
	}
	apply(t, s, enter("at_risk", account("acme")), enter("at_risk", account("ann")), enter("at_risk", user("ben")))

	list := profile.ListValue(profile.StringValue("a"), profile.IntValue(2))
	apply(t, s,
		set("revenue", user("ann"), profile.IntValue(-120)), set("revenue", user("ben"), profile.FloatValue(-2.5)),
		set("revenue", user("=2+3"), profile.StringValue("=2+3")), set("revenue", user("dée 日本"), list),
		set("revenue", user("fay"), profile.BoolValue(true)), set("revenue", user("eve has no ids"), profile.FloatValue(3)),
		set("orders", account("acme"), profile.IntValue(7)),
	)
	return s
}

// Each golden file is one of these.
var formats = map[string]csvexport.Export{
	"unformatted.csv":          {Key: "buyers"},
	"unformatted_trait.csv":    {Key: "revenue"},
	"unformatted_account.csv":  {Key: "at_risk"},
	"unformatted_protect.csv":  {Key: "buyers", Formulas: csvexport.ProtectFormulas},
	"indexed.csv":              {Key: "buyers", Format: csvexport.IndexedColumns},
	"indexed_trait.csv":        {Key: "revenue", Format: csvexport.IndexedColumns},
	"indexed_account.csv":      {Key: "at_risk", Format: csvexport.IndexedColumns},
	"indexed_per_user.csv":     {Key: "at_risk", Format: csvexport.IndexedColumns, PerUser: true},
	"indexed_semicolon.csv":    {Key: "buyers", Format: csvexport.IndexedColumns, Delimiter: ';', NoHeader: true},
	"indexed_keep.csv":         {Key: "buyers", Format: csvexport.IndexedColumns, Formulas: csvexport.KeepFormulas},
	"additional.csv":           {Key: "buyers", Format: csvexport.AdditionalRows},
	"additional_trait.csv":     {Key: "orders", Format: csvexport.AdditionalRows},
	"single.csv":               {Key: "buyers", Format: csvexport.SingleColumn, IDType: "email"},
	"single_normal.csv":        {Key: "buyers", Format: csvexport.SingleColumn, IDType: "email", Platform: csvexport.Normalized},
	"single_raw.csv":           {Key: "buyers", Format: csvexport.SingleColumn, IDType: "note", Raw: csvexport.PermitRaw()},
	"single_raw_normal.csv":    {Key: "buyers", Format: csvexport.SingleColumn, IDType: "phone", Raw: csvexport.PermitRaw(), Platform: csvexport.Normalized},
	"single_trait_account.csv": {Key: "orders", Format: csvexport.SingleColumn, IDType: "domain", Raw: csvexport.PermitRaw()},
	"single_nobody_has.csv":    {Key: "buyers", Format: csvexport.SingleColumn, IDType: "nothing"},
}

func TestFormats(t *testing.T) {
	store := shop(t)
	for name, export := range formats {
		t.Run(name, func(t *testing.T) {
			text, _ := written(t, store, export)
			golden(t, name, text)
			again, _ := written(t, store, export)
			require.Equal(t, text, again)
		})
	}
}

// An audience without members has a header, and no columns of ids.
func TestNoMembers(t *testing.T) {
	s := profile.NewMemStore()
	define(t, s, buyers)
	for format, want := range map[csvexport.Format]string{
		csvexport.Unformatted:    "key,external_ids\r\n",
		csvexport.IndexedColumns: "key,external_ids\r\n",
		csvexport.AdditionalRows: "key,external_ids\r\n",
	} {
		text, result := written(t, s, csvexport.Export{Key: "buyers", Format: format})
		require.Equal(t, want, text, format)
		require.Zero(t, result.Rows)
	}
}

// A merged id has no row of its own, and a profile that is deleted has none.
func TestMergedAndDeleted(t *testing.T) {
	s := shop(t)
	apply(t, s, &profile.Merge{From: "ben", Into: "ann"}, &profile.Delete{Ref: profile.UserRef("fay")})
	text, result := written(t, s, csvexport.Export{Key: "buyers"})
	require.Equal(t, 5, result.Rows)
	require.Contains(t, text, `ann,"{""email"":["" Ann@Y.IO"",""ann@x.io""],""phone"":[""+1 (555) 123.4567"",""+49 (0)170 123-45 67"",""00441632960001"",""0170 1234567""],""user_id"":[""ann"",""ben""]}"`)
	require.NotContains(t, text, "fay")
}
