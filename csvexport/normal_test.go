package csvexport_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/csvexport"
	"github.com/muster-go/muster/profile"
)

// single returns the rows of an export of one profile, which has one value.
func single(t *testing.T, idType, value string, e csvexport.Export) []string {
	t.Helper()
	s := profile.NewMemStore()
	define(t, s, buyers)
	apply(t, s, ids(profile.UserRef("u"), idType, value), enter("buyers", profile.UserRef("u")))
	e.Key, e.Format, e.IDType, e.NoHeader = "buyers", csvexport.SingleColumn, idType, true
	text, _ := written(t, s, e)
	return strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n")
}

func TestNormalForms(t *testing.T) {
	const none = ""
	for _, c := range []struct{ idType, value, want string }{
		{"email", "ann@x.io", "ann@x.io"},
		{"email", "\t Ann.B+Shop@X.IO\n", "ann.b+shop@x.io"},
		{"email", "\u00a0ÉVA@Exämple.ORG\u2003", "éva@exämple.org"},
		{"email", " \t", none},

		{"phone", "+491701234567", "491701234567"},
		{"phone", " +49 (0) 170 / 123-45.67 ", "491701234567"},
		{"phone", "00491701234567", "491701234567"},
		{"phone", "1 (555) 123-4567", "15551234567"},
		{"phone", "+1234567", "1234567"},                 // the shortest
		{"phone", "+123456789012345", "123456789012345"}, // the longest
		{"phone", "+123456", none},
		{"phone", "+1234567890123456", none},
		{"phone", "0170 1234567", none},      // of which country?
		{"phone", "(0)170 1234567", none},    // the same
		{"phone", "+0170 1234567", none},     // no country code begins with 0
		{"phone", "000491701234567", none},   // a 0 too many
		{"phone", "++491701234567", none},    // a plus too many
		{"phone", "+49170123456x7", none},    // an extension is no part of the number
		{"phone", "+٤٩١٧٠١٢٣٤٥٦٧", none},     // digits of another script
		{"phone", "tel:+491701234567", none}, // a URI
		{"phone", "+", none},

		{"user_id", " Ann ", `" Ann "`},
		{"Email", "Ann@X.IO", "Ann@X.IO"}, // another type than email
	} {
		raw := single(t, c.idType, c.value, csvexport.Export{Normalize: true, Raw: csvexport.PermitRaw()})
		require.Equal(t, []string{c.want}, raw, "%s %q", c.idType, c.value)

		want := none
		if c.want != none {
			want = sum(strings.Trim(c.want, `"`))
		}
		require.Equal(t, []string{want}, single(t, c.idType, c.value, csvexport.Export{Normalize: true}))
		require.Equal(t, []string{sum(c.value)}, single(t, c.idType, c.value, csvexport.Export{}))
	}
}

// sum returns the SHA-256 of text in lower-case hex.
func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

func TestFormulas(t *testing.T) {
	for value, want := range map[string]string{
		"=1+2":          "'=1+2",
		"=":             "'=",
		"@SUM(A1)":      "'@SUM(A1)",
		"+1+cmd|' /C'!": "'+1+cmd|' /C'!",
		"-1+2":          "'-1+2",
		"\t=1":          "\"'\t=1\"",
		"\r=1":          "\"'\r=1\"",
		`="a,b"`:        `"'=""a,b"""`,
		"-":             "'-",
		"+":             "'+",
		"-.5":           "'-.5",
		"-5.":           "'-5.",
		"-5e":           "'-5e",
		"--5":           "'--5",
		"-5 ":           "\"'-5 \"",

		"-5": "-5", "-5.25": "-5.25", "+491701234567": "+491701234567", "-1e+21": "-1e+21", "-2.5E3": "-2.5E3",
		"'=1": "'=1", "a=1": "a=1", " =1": `" =1"`,
	} {
		require.Equal(t, []string{want}, single(t, "note", value, csvexport.Export{
			Raw: csvexport.PermitRaw(), Formulas: csvexport.ProtectFormulas,
		}))
	}
}
