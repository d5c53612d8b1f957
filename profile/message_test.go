package profile

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)

func mustMessage(t *testing.T, text string) Message {
	t.Helper()
	m, err := ParseMessage([]byte(text))
	require.NoError(t, err, text)
	return m
}

func TestParseMessageReadsEveryCall(t *testing.T) {
	const common = `"messageId":"m1","timestamp":"2024-03-01T12:00:00Z","userId":"u1","anonymousId":"a1",`
	for _, c := range []struct {
		name, text                   string
		want                         Message // but for its objects
		properties, traits, contexts string
	}{
		{
			"track", `"type":"track","event":"Order Completed","properties":{"total":9.5},"traits":{"x":1},"context":{"groupId":"acme"}`,
			Message{Type: Track, Name: "Order Completed", GroupID: "acme"}, `{"total":9.5}`, `{}`, `{"groupId":"acme"}`,
		},
		{
			"page", `"type":"page","name":"Home","category":"Shop","properties":{"path":"/"}`,
			Message{Type: Page, Name: PageViewed}, `{"category":"Shop","name":"Home","path":"/"}`, `{}`, `{}`,
		},
		{
			"page whose name is among the properties too", `"type":"page","properties":{"name":"old","path":"/"},"name":"Home"`,
			Message{Type: Page, Name: PageViewed}, `{"name":"Home","path":"/"}`, `{}`, `{}`,
		},
		{
			"screen without a name", `"type":"screen","properties":{"name":"own"}`,
			Message{Type: Screen, Name: ScreenViewed}, `{"name":"own"}`, `{}`, `{}`,
		},
		{
			"identify", `"type":"identify","traits":{"email":"a@x.io","plan":null}`,
			Message{Type: Identify}, `{}`, `{"email":"a@x.io","plan":null}`, `{}`,
		},
		{
			"identify without traits", `"type":"identify"`,
			Message{Type: Identify}, `{}`, `{}`, `{}`,
		},
		{
			"group", `"type":"group","groupId":"acme","traits":{"seats":5},"context":{"groupId":"other"}`,
			Message{Type: Group, GroupID: "acme"}, `{}`, `{"seats":5}`, `{"groupId":"other"}`,
		},
		{
			"alias", `"type":"alias","previousId":"old"`,
			Message{Type: Alias, PreviousID: "old"}, `{}`, `{}`, `{}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mustMessage(t, "{"+common+c.text+"}")
			require.Equal(t, c.properties, m.Properties.String())
			require.Equal(t, c.traits, m.Traits.String())
			require.Equal(t, c.contexts, m.Context.String())
			m.Properties, m.Traits, m.Context = Object{}, Object{}, Object{}
			c.want.MessageID, c.want.Time, c.want.UserID, c.want.AnonymousID = "m1", noon, "u1", "a1"
			require.Equal(t, c.want, m)
		})
	}
}

func TestParseMessageIsLenient(t *testing.T) {
	want := mustMessage(t, `{"type":"track","userId":"17","anonymousId":"a","messageId":"m","timestamp":"2024-03-01T12:00:00Z","event":"E"}`)
	for name, text := range map[string]string{
		"letter case of the type": `{"type":"TracK","userId":"17","anonymousId":"a","messageId":"m","timestamp":"2024-03-01T12:00:00Z","event":"E"}`,
		"ids that are numbers":    `{"type":"track","userId":17,"anonymousId":"a","messageId":"m","timestamp":1709294400,"event":"E"}`,
		"a number with a point":   `{"type":"track","userId":17.0,"anonymousId":"a","messageId":"m","timestamp":1709294400000,"event":"E"}`,
		"snake case":              `{"type":"track","user_id":"17","anonymous_id":"a","message_id":"m","timestamp":"2024-03-01 12:00:00","event":"E"}`,
		"camel case comes first":  `{"user_id":"x","type":"track","userId":"17","anonymousId":"a","anonymous_id":"x","messageId":"m","timestamp":"2024-03-01T12:00:00Z","event":"E"}`,
		"empty camel case":        `{"user_id":"17","userId":"","type":"track","anonymousId":null,"anonymous_id":"a","messageId":"m","timestamp":"2024-03-01T12:00:00Z","event":"E"}`,
		"null objects":            `{"type":"track","userId":"17","anonymousId":"a","messageId":"m","timestamp":"2024-03-01T12:00:00Z","event":"E","properties":null,"context":null}`,
		"empty lists of PHP":      `{"type":"track","userId":"17","anonymousId":"a","messageId":"m","timestamp":"2024-03-01T12:00:00Z","event":"E","properties":[],"context":[]}`,
		"unknown fields":          `{"type":"track","userId":"17","anonymousId":"a","messageId":"m","timestamp":"2024-03-01T12:00:00Z","event":"E","integrations":{"All":false},"version":2,"traits":"?","name":1}`,
		"white space, escapes":    " {\t\"typ\\u0065\" : \"track\" ,\"userId\":\"1\\u0037\",\"anonymousId\":\"a\",\"messageId\":\"m\",\"timestamp\":\"2024-03-01T12:00:00Z\",\"event\":\"E\"}\r\n",
		"originalTimestamp":       `{"type":"track","userId":"17","anonymousId":"a","messageId":"m","sentAt":2,"originalTimestamp":"2024-03-01T12:00:00Z","event":"E"}`,
		"clock skew":              `{"type":"track","userId":"17","anonymousId":"a","messageId":"m","receivedAt":"2024-03-01T12:00:01Z","sentAt":"2031-05-05T08:00:01Z","originalTimestamp":"2031-05-05T08:00:00Z","event":"E"}`,
		"a timestamp of zero":     `{"type":"track","userId":"17","anonymousId":"a","messageId":"m","timestamp":0,"originalTimestamp":"2024-03-01T12:00:00Z","event":"E"}`,
		"a timestamp of year 1":   `{"type":"track","userId":"17","anonymousId":"a","messageId":"m","timestamp":"0001-01-01T00:00:00Z","originalTimestamp":"2024-03-01 12:00+00","event":"E"}`,
		"zero before sentAt":      `{"type":"track","userId":"17","anonymousId":"a","messageId":"m","timestamp":"0","originalTimestamp":"0000-00-00 00:00:00","sentAt":1709294400000,"event":"E"}`,
		"sentAt":                  `{"type":"track","userId":"17","anonymousId":"a","messageId":"m","receivedAt":1,"sent_at":"2024-03-01T12:00:00Z","timestamp":null,"event":"E"}`,
		"receivedAt":              `{"type":"track","userId":"17","anonymousId":"a","messageId":"m","receivedAt":"2024-03-01T12:00:00Z","timestamp":"","event":"E"}`,
		"offset":                  `{"type":"track","userId":"17","anonymousId":"a","messageId":"m","timestamp":"2024-03-01T13:00:00+01:00","event":"E"}`,
		"alias's field elsewhere": `{"type":"track","userId":"17","anonymousId":"a","messageId":"m","timestamp":"2024-03-01T12:00:00Z","event":"E","previousId":"p"}`,
		"another group's field":   `{"type":"track","userId":"17","anonymousId":"a","messageId":"m","timestamp":"2024-03-01T12:00:00Z","event":"E","groupId":"g"}`,
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, want, mustMessage(t, text))
		})
	}
}

func TestParseMessageTakesNumbersAsTheyAreWritten(t *testing.T) {
	for in, want := range map[string]string{
		`9223372036854775808123`: "9223372036854775808123",
		`-5`:                     "-5",
		`1e3`:                    "1000",
	} {
		m := mustMessage(t, `{"type":"identify","timestamp":1709294400,"userId":`+in+`}`)
		require.Equal(t, want, m.UserID)
	}
	m := mustMessage(t, `{"type":"identify","timestamp":1709294400,"userId":"u","context":{"group_id":42}}`)
	require.Equal(t, "42", m.GroupID)
}

func TestParseMessageRefuses(t *testing.T) {
	long := strings.Repeat("x", MaxID+1)
	for name, c := range map[string]struct {
		text, reason string
		want         error
	}{
		"nothing":                {``, "a message is a JSON object", ErrInvalid},
		"a list":                 {`[]`, "a message is a JSON object", ErrInvalid},
		"malformed JSON":         {`{"type":"track"`, "byte 15", ErrInvalid},
		"trailing garbage":       {`{"type":"identify","userId":"u","timestamp":1709294400} x`, "text after the value", ErrInvalid},
		"NaN":                    {`{"type":"track","userId":"u","timestamp":1709294400,"event":"E","properties":{"p":NaN}}`, "a value is wanted", ErrInvalid},
		"invalid UTF-8":          {"{\"type\":\"track\",\"userId\":\"\xff\"}", "UTF-8", ErrInvalid},
		"no type":                {`{"userId":"u","timestamp":1709294400}`, "no type", ErrInvalid},
		"unknown type":           {`{"type":"trac","userId":"u","timestamp":1709294400}`, `unknown type "trac"`, ErrInvalid},
		"type that is a number":  {`{"type":1,"userId":"u","timestamp":1709294400}`, `unknown type 1`, ErrInvalid},
		"no id":                  {`{"type":"identify","timestamp":1709294400}`, "neither userId nor anonymousId", ErrInvalid},
		"empty ids":              {`{"type":"identify","timestamp":1709294400,"userId":"","anonymousId":""}`, "neither userId nor anonymousId", ErrInvalid},
		"id that is an object":   {`{"type":"identify","timestamp":1709294400,"userId":{}}`, "userId {} is neither", ErrInvalid},
		"id that is a fraction":  {`{"type":"identify","timestamp":1709294400,"userId":1.5}`, "userId 1.5 is neither", ErrInvalid},
		"id too long":            {`{"type":"identify","timestamp":1709294400,"userId":"` + long + `"}`, "userId of 1025 bytes", ErrTooLarge},
		"no event name":          {`{"type":"track","timestamp":1709294400,"userId":"u"}`, "event name is empty", ErrInvalid},
		"empty event name":       {`{"type":"track","timestamp":1709294400,"userId":"u","event":""}`, "event name is empty", ErrInvalid},
		"event name of no text":  {`{"type":"track","timestamp":1709294400,"userId":"u","event":["E"]}`, `event ["E"] is not text`, ErrInvalid},
		"no time":                {`{"type":"identify","userId":"u"}`, "no timestamp", ErrTime},
		"zero time":              {`{"type":"identify","userId":"u","timestamp":0}`, "no timestamp", ErrTime},
		"Go's zero time":         {`{"type":"identify","userId":"u","timestamp":"0001-01-01T00:00:00Z"}`, "no timestamp", ErrTime},
		"sentAt in words":        {`{"type":"identify","userId":"u","originalTimestamp":1709294400,"sentAt":"now"}`, `sentAt "now" is not a time`, ErrTime},
		"beyond, by its name":    {`{"type":"identify","userId":"u","originalTimestamp":"1800-01-01"}`, "originalTimestamp: time out of range", ErrTime},
		"absurd time":            {`{"type":"identify","userId":"u","timestamp":"9999-12-31T00:00:00Z"}`, "9999", ErrTime},
		"no time at all":         {`{"type":"identify","userId":"u","timestamp":"yesterday","sentAt":1709294400}`, `timestamp "yesterday" is not a time`, ErrTime},
		"group without groupId":  {`{"type":"group","timestamp":1709294400,"userId":"u","context":{"groupId":"g"}}`, "groupId is empty", ErrInvalid},
		"alias without previous": {`{"type":"alias","timestamp":1709294400,"userId":"u"}`, "previousId is empty", ErrInvalid},
		"alias without userId":   {`{"type":"alias","timestamp":1709294400,"anonymousId":"a","previousId":"p"}`, "userId is empty", ErrInvalid},
		"properties of no kind":  {`{"type":"track","timestamp":1709294400,"userId":"u","event":"E","properties":"p"}`, `properties "p" is not an object`, ErrInvalid},
		"a list of properties":   {`{"type":"track","timestamp":1709294400,"userId":"u","event":"E","properties":[1]}`, `properties [1] is not an object`, ErrInvalid},
		"traits of no kind":      {`{"type":"identify","timestamp":1709294400,"userId":"u","traits":false}`, `traits false is not an object`, ErrInvalid},
		"1,000 levels": {
			`{"type":"track","timestamp":1709294400,"userId":"u","event":"E","properties":` + strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000) + `}`,
			"nested deeper than 32 levels", ErrTooLarge,
		},
		"properties too large": {
			`{"type":"track","timestamp":1709294400,"userId":"u","event":"E","properties":{"a":"` + strings.Repeat("x", MaxSize) + `"}}`,
			"packed", ErrTooLarge,
		},
		"properties too large with the page's name": {
			`{"type":"page","timestamp":1709294400,"userId":"u","name":"` + strings.Repeat("x", MaxSize/2) + `","properties":{"a":"` + strings.Repeat("x", MaxSize/2) + `"}}`,
			"properties of", ErrTooLarge,
		},
		"text too large":       {strings.Repeat(" ", MaxLine+1), "at most 1048576", ErrTooLarge},
		"external id too long": {`{"type":"identify","timestamp":1709294400,"userId":"u","traits":{"email":"` + long + `"}}`, "external id of 1025 bytes", ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := ParseMessage([]byte(c.text))
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.reason)
			require.Less(t, len(err.Error()), 200)
			require.Zero(t, m)
		})
	}
}

func TestProfileIsTheUserIDOrElseTheAnonymousID(t *testing.T) {
	require.Equal(t, "u", (&Message{UserID: "u", AnonymousID: "a"}).Profile())
	require.Equal(t, "a", (&Message{AnonymousID: "a"}).Profile())
}

func TestIDsAreThoseTheMessageTells(t *testing.T) {
	const rest = `"timestamp":1709294400,"userId":"u","anonymousId":"a","traits":{"email":"a@x.io","phone":4930123},
		"context":{"externalIds":[
			{"type":"ga_client_id","id":"GA1","collection":"users","encoding":"none"},
			{"type":"crm","id":77},
			{"type":"email","id":"a@x.io","collection":"users"},
			{"type":"domain","id":"x.io","collection":"accounts"},
			{"type":"crm"}, {"id":"lost"}, {"type":"crm","id":""}, "junk", null
		]}}`
	own := []ExternalID{{"user_id", "u"}, {"anonymous_id", "a"}}
	external := []ExternalID{{"ga_client_id", "GA1"}, {"crm", "77"}, {"email", "a@x.io"}}

	m := mustMessage(t, `{"type":"track","event":"E",`+rest)
	require.Equal(t, append(own[:2:2], external...), m.IDs())

	m = mustMessage(t, `{"type":"identify",`+rest)
	require.Equal(t, append(own[:2:2], ExternalID{"email", "a@x.io"}, ExternalID{"phone", "4930123"}, external[0], external[1]), m.IDs())

	m = mustMessage(t, `{"type":"group","groupId":"g","timestamp":1709294400,"userId":"u","traits":{"email":"office@x.io"}}`)
	require.Equal(t, own[:1], m.IDs(), "the account's address is not the user's")
}

func TestValidateChecksMessagesMadeInGo(t *testing.T) {
	good := Message{Type: Track, UserID: "u", Time: noon, Name: "E"}
	require.NoError(t, good.Validate())
	for name, c := range map[string]struct {
		change func(*Message)
		want   error
	}{
		"no type":             {func(m *Message) { m.Type = 0 }, ErrInvalid},
		"type out of range":   {func(m *Message) { m.Type = 99 }, ErrInvalid},
		"no id":               {func(m *Message) { m.UserID = "" }, ErrInvalid},
		"id of invalid UTF-8": {func(m *Message) { m.AnonymousID = "\xff" }, ErrInvalid},
		"message id too long": {func(m *Message) { m.MessageID = strings.Repeat("m", MaxID+1) }, ErrTooLarge},
		"time out of range":   {func(m *Message) { m.Time = MaxTime }, ErrTime},
		"no name":             {func(m *Message) { m.Name = "" }, ErrInvalid},
		"page without a name": {func(m *Message) { m.Type, m.Name = Page, "" }, ErrInvalid},
		"group without group": {func(m *Message) { m.Type = Group }, ErrInvalid},
		"alias without ids":   {func(m *Message) { m.Type = Alias }, ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			m := good
			c.change(&m)
			require.ErrorIs(t, m.Validate(), c.want)
		})
	}
}

func TestMessageTypeReadsAsInMessages(t *testing.T) {
	require.Equal(t, "identify", Identify.String())
	require.Equal(t, "invalid", MessageType(0).String())
	require.Equal(t, "invalid", MessageType(99).String())
}

func TestMessagesTellTheirIDsWhereverTheyStand(t *testing.T) {
	user := ExternalID{"user_id", "u"}
	for name, c := range map[string]struct {
		text string
		want []ExternalID
	}{
		"track with an e-mail in context.traits": {
			`{"type":"track","event":"E","userId":"u","context":{"traits":{"email":"a@x.io","phone":4930123}}}`,
			[]ExternalID{user, {"email", "a@x.io"}, {"phone", "4930123"}},
		},
		"identify as RudderStack writes it": {
			`{"type":"identify","userId":"u","context":{"traits":{"email":"a@x.io"}}}`,
			[]ExternalID{user, {"email", "a@x.io"}},
		},
		"numbers": {
			`{"type":"page","userId":17.0,"anonymousId":12345678901234567890,"context":{"externalIds":[
				{"type":"crm","id":17.0},{"type":"crm","id":98765432109876543210},{"type":"crm","id":1.5},{"type":"erp","id":7}]}}`,
			[]ExternalID{{"user_id", "17"}, {"anonymous_id", "12345678901234567890"}, {"crm", "17"}, {"crm", "98765432109876543210"}, {"erp", "7"}},
		},
		"none": {
			`{"type":"identify","userId":"u","traits":{"email":"undefined","phone":"0"},"context":{"externalIds":[
				{"type":"crm","id":"null"},{"type":"crm","id":" [object Object] "},{"type":"crm","id":"NaN"}]}}`,
			[]ExternalID{user},
		},
	} {
		m := mustMessage(t, c.text[:1]+`"timestamp":1709294400,`+c.text[1:])
		require.Equal(t, c.want, m.IDs(), name)
	}
}

func TestAMessageIsOfTheGroupThatItsContextNames(t *testing.T) {
	for text, want := range map[string]string{`17.0`: "17", `17`: "17", `"17"`: "17", `1.7e1`: "17", `98765432109876543210`: "98765432109876543210", `1.5`: "", `null`: ""} {
		m := mustMessage(t, `{"type":"track","event":"E","userId":"u","timestamp":1709294400,"context":{"groupId":`+text+`}}`)
		require.Equal(t, want, m.GroupID, text)
	}
}

func TestAnIdentifyCallWithoutTraitsHasThoseOfItsContext(t *testing.T) {
	for text, want := range map[string]string{
		`"context":{"traits":{"plan":"pro"}}`:                          `{"plan":"pro"}`,
		`"traits":{},"context":{"traits":{"plan":"pro"}}`:              `{"plan":"pro"}`,
		`"traits":null,"context":{"traits":{"plan":"pro"}}`:            `{"plan":"pro"}`,
		`"traits":{"plan":"free"},"context":{"traits":{"plan":"pro"}}`: `{"plan":"free"}`,
		`"context":{"traits":[]}`:                                      `{}`,
	} {
		m := mustMessage(t, `{"type":"identify","userId":"u","timestamp":1709294400,`+text+`}`)
		require.Equal(t, want, m.Traits.String(), text)
	}
}

func TestWhatBrokenClientsSendForNoID(t *testing.T) {
	for _, id := range []string{
		"", " ", "undefined", "UNDEFINED", "null", "Null", "nil", "None", "NaN", "0", "false", "anonymous", "guest", "[object Object]",
		"[object object]", `"undefined"`, "'null'", " null ", "(null)", "distinct_id", "00000000-0000-0000-0000-000000000000", strings.Repeat(" ", 50),
	} {
		require.True(t, NoID(id), "%q", id)
	}
	for _, id := range []string{"u1", "00", "10", "null1", "nullable", "anna", "O", "a@x.io", strings.Repeat("0", 50)} {
		require.False(t, NoID(id), "%q", id)
	}
	m := Message{Type: Track, UserID: "undefined", AnonymousID: "a", GroupID: "null"}.WithoutNoIDs(nil)
	require.Equal(t, Message{Type: Track, AnonymousID: "a"}, m)
	own := func(id string) bool { return id == "a" }
	require.Equal(t, Message{Type: Track, UserID: "undefined"}, Message{Type: Track, UserID: "undefined", AnonymousID: "a"}.WithoutNoIDs(own))
}

func TestIDsOfDevices(t *testing.T) {
	const text = `{"type":"track","event":"E","userId":"u","timestamp":1709294400,"context":{"traits":{"email":"a@x.io","phone":"+1"},"device":%s}}`
	for device, want := range map[string][]ExternalID{
		`{"type":"iOS","id":"d","advertisingId":"ad","token":"t"}`:                                   {{"ios.id", "d"}, {"ios.idfa", "ad"}, {"ios.push_token", "t"}},
		`{"type":"android","id":17}`:                                                                 {{"android.id", "17"}},
		`{"type":"ios","id":"","advertisingId":"00000000-0000-0000-0000-000000000000","token":null}`: nil,
		`{"id":"d"}`: nil,
		`"ios"`:      nil,
	} {
		m := mustMessage(t, strings.Replace(text, "%s", device, 1))
		contacts := []ExternalID{{"user_id", "u"}, {"email", "a@x.io"}, {"phone", "+1"}}
		require.Equal(t, append(contacts, want...), m.IDs(), device)
		m.Without = DeviceIDs
		require.Equal(t, contacts, m.IDs(), device)
		m.Without = Emails | DeviceIDs
		require.Equal(t, []ExternalID{{"user_id", "u"}, {"phone", "+1"}}, m.IDs(), device)
		m.Without = Emails | Phones
		require.Equal(t, append([]ExternalID{{"user_id", "u"}}, want...), m.IDs(), device)
	}
}
