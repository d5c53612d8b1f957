package csvexport_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
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
		{"phone", "1 (555) 123-4567", none},              // no plus: of which country?
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
		raw := single(t, c.idType, c.value, csvexport.Export{Platform: csvexport.Normalized, Raw: csvexport.PermitRaw()})
		require.Equal(t, []string{c.want}, raw, "%s %q", c.idType, c.value)

		want := none
		if c.want != none {
			want = sum(strings.Trim(c.want, `"`))
		}
		require.Equal(t, []string{want}, single(t, c.idType, c.value, csvexport.Export{Platform: csvexport.Normalized}))
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

// The platforms' own published examples: what is hashed, and the hash.
func TestPublishedTestVectors(t *testing.T) {
	for _, c := range []struct {
		platform      csvexport.Platform
		idType, value string
		want, hash    string
	}{
		// https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences
		// and https://developers.facebook.com/docs/meta-pixel/advanced/advanced-matching
		{csvexport.MetaCustomAudience, "email", "John_Smith@gmail.com", "john_smith@gmail.com", "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"},
		{csvexport.MetaCustomAudience, "phone", "(650)555-1212", "16505551212", "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"},
		{csvexport.MetaCustomAudience, "first_name", "Mary", "mary", "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"},
		{csvexport.MetaCustomAudience, "first_name", "Valéry", "valéry", "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c"},
		{csvexport.MetaCustomAudience, "last_name", "정", "정", "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14"},
		// https://developers.google.com/google-ads/api/docs/conversions/enhanced-conversions/web
		{csvexport.GoogleCustomerMatch, "email", "test@example.com", "test@example.com", "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"},
	} {
		e := csvexport.Export{Platform: c.platform}
		if c.idType == "phone" {
			e.CallingCode = "1"
		}
		require.Equal(t, []string{c.hash}, single(t, c.idType, c.value, e), c.value)
		e.Raw = csvexport.PermitRaw()
		require.Equal(t, []string{c.want}, single(t, c.idType, c.value, e), c.value)
	}
}

func TestNormalFormsOfPlatforms(t *testing.T) {
	const none = ""
	for _, c := range []struct {
		platform            csvexport.Platform
		code, idType, value string
		want                string
	}{
		{csvexport.GoogleCustomerMatch, "", "email", " Jane.Doe+Shop@Gmail.com ", "janedoe@gmail.com"},
		{csvexport.GoogleCustomerMatch, "", "email", "j.d@googlemail.com", "jd@googlemail.com"},
		{csvexport.GoogleCustomerMatch, "", "email", "Jane.Doe+Shop@example.com", "jane.doe+shop@example.com"},
		{csvexport.GoogleCustomerMatch, "", "email", "+x@gmail.com", none},
		{csvexport.MetaCustomAudience, "", "email", "Jane.Doe+Shop@Gmail.com", "jane.doe+shop@gmail.com"},
		{csvexport.GoogleCustomerMatch, "", "phone", "+1 (800) 555-0102", "+18005550102"},
		{csvexport.TikTokCustomAudience, "", "phone", "0044 20 7946 0123", "+442079460123"},
		{csvexport.MetaCustomAudience, "", "phone", "+1 (800) 555-0102", "18005550102"},
		{csvexport.MetaCustomAudience, "49", "phone", "0170 1234567", "491701234567"},
		{csvexport.GoogleCustomerMatch, "49", "phone", "(0)170 / 1234567", "+491701234567"},
		{csvexport.GoogleCustomerMatch, "49", "phone", "+44 20 7946 0123", "+442079460123"},
		{csvexport.GoogleCustomerMatch, "1", "phone", "1 (555) 123-4567", "+15551234567"},
		{csvexport.GoogleCustomerMatch, "1", "phone", "555-123-4567", "+15551234567"},
		{csvexport.GoogleCustomerMatch, "", "phone", "0170 1234567", none},
		{csvexport.GoogleCustomerMatch, "", "phone", "555 123 4567", none},
		{csvexport.GoogleCustomerMatch, "", "first_name", " O'Neil ", "o'neil"},
		{csvexport.MetaCustomAudience, "", "last_name", " O'Neil-Smith ", "oneilsmith"},
		{csvexport.MetaCustomAudience, "", "last_name", "...", none},
		{csvexport.Normalized, "", "email", "ann", none},
		{csvexport.Normalized, "", "email", "@x.io", none},
		{csvexport.Normalized, "", "email", "ann@", none},
		{csvexport.Normalized, "", "email", "ann@b@x.io", none},
		{csvexport.Normalized, "", "email", "ann b@x.io", none},
		{csvexport.LinkedInMatchedAudience, "", "email", "Ann@X.io", "ann@x.io"},
		{csvexport.AsStored, "", "email", "ann", "ann"},
	} {
		e := csvexport.Export{Platform: c.platform, CallingCode: c.code, Raw: csvexport.PermitRaw()}
		require.Equal(t, []string{c.want}, single(t, c.idType, c.value, e), "%s: %s", c.platform, c.value)
	}
}

func TestHeadersAndAByteOrderMark(t *testing.T) {
	s := profile.NewMemStore()
	define(t, s, buyers)
	apply(t, s, ids(profile.UserRef("u"), "email", "a@x.io"), enter("buyers", profile.UserRef("u")))
	text, _ := written(t, s, csvexport.Export{
		Key: "buyers", Format: csvexport.IndexedColumns, ByteOrderMark: true, Headers: map[string]string{"key": "ID", "email": "Email"},
	})
	require.Equal(t, "\ufeffID,external_ids,Email\r\nu,\"{\"\"email\"\":[\"\"a@x.io\"\"]}\",a@x.io\r\n", text)
	text, _ = written(t, s, csvexport.Export{
		Key: "buyers", Format: csvexport.SingleColumn, IDType: "email", Raw: csvexport.PermitRaw(), Headers: map[string]string{"email": "Email"},
	})
	require.Equal(t, "Email\r\na@x.io\r\n", text)
	for want, e := range map[string]csvexport.Export{
		`header "phone": there is no such column`: {Key: "buyers", Headers: map[string]string{"phone": "Phone"}},
		"Headers without a header":                {Key: "buyers", NoHeader: true, Headers: map[string]string{"key": "ID"}},
		`calling code "+49"`:                      {Key: "buyers", Format: csvexport.SingleColumn, IDType: "phone", CallingCode: "+49"},
		"takes emails, not phone":                 {Key: "buyers", Format: csvexport.SingleColumn, IDType: "phone", Platform: csvexport.LinkedInMatchedAudience},
		"platform 99":                             {Key: "buyers", Format: csvexport.SingleColumn, IDType: "phone", Platform: 99},
		"for a single column":                     {Key: "buyers", Platform: csvexport.MetaCustomAudience},
	} {
		_, err := e.Write(t.Context(), io.Discard, s)
		require.ErrorIs(t, err, profile.ErrInvalid)
		require.ErrorContains(t, err, want)
	}
}
