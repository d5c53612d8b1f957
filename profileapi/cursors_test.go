package profileapi_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A cursor goes with one profile, list, class and include; the id by which the
// profile is named and the limit may change.
func TestACursorBelongsToItsList(t *testing.T) {
	w := newWorld(t, anyone{})
	// bob has all that ann has, so that only the cursor tells the two apart.
	w.send(
		`{"type":"identify","userId":"bob","messageId":"b1","timestamp":"2026-03-01T10:00:00Z","traits":{"plan":"pro"}}`,
		`{"type":"track","userId":"bob","messageId":"b2","timestamp":"2026-03-01T11:30:00Z","event":"Report Read"}`,
		`{"type":"track","userId":"bob","messageId":"b3","timestamp":"2026-03-01T11:00:00Z","event":"Order Completed"}`,
		`{"type":"group","userId":"bob","groupId":"ann","messageId":"b4","timestamp":"2026-03-01T10:00:00Z","traits":{"plan":"pro"}}`,
	)
	for _, c := range []struct {
		name, of, used string
		good           bool
	}{
		{"the next page", "users/profiles/user_id:ann/traits?", "users/profiles/user_id:ann/traits?", true},
		{"larger", "users/profiles/user_id:ann/traits?", "users/profiles/user_id:ann/traits?limit=50&", true},
		{"by another id of the profile", "users/profiles/user_id:ann/events?", "users/profiles/email:ann@x.io/events?", true},
		{"names in another order", "users/profiles/user_id:ann/traits?include=plan,email&", "users/profiles/user_id:ann/traits?include=email,plan,plan&", true},

		{"traits of another", "users/profiles/user_id:ann/traits?", "users/profiles/user_id:bob/traits?", false},
		{"events of another", "users/profiles/user_id:ann/events?", "users/profiles/user_id:bob/events?", false},
		{"ids of another", "users/profiles/user_id:ann/external_ids?", "users/profiles/user_id:bob/external_ids?", false},
		{"an account of the same id", "users/profiles/user_id:ann/traits?", "accounts/profiles/group_id:ann/traits?", false},
		{"another list", "users/profiles/user_id:ann/traits?", "users/profiles/user_id:ann/external_ids?", false},
		{"another class", "users/profiles/user_id:ann/traits?class=audience&", "users/profiles/user_id:ann/traits?class=custom_trait&", false},
		{"no class", "users/profiles/user_id:ann/traits?class=audience&", "users/profiles/user_id:ann/traits?", false},
		{"other names", "users/profiles/user_id:ann/traits?include=plan,email&", "users/profiles/user_id:ann/traits?include=plan,sleeper&", false},
		{"the same events", "users/profiles/user_id:ann/events?start=2026-01-01&", "users/profiles/user_id:ann/events?start=2026-01-01T00:00:00Z&", true},
		{"the other order", "users/profiles/user_id:ann/events?", "users/profiles/user_id:ann/events?sort=asc&", false},
		{"another start", "users/profiles/user_id:ann/events?start=2026-01-01&", "users/profiles/user_id:ann/events?start=2026-01-02&", false},
		{"a start for an end", "users/profiles/user_id:ann/events?start=2026-02-01&", "users/profiles/user_id:ann/events?end=2026-02-01&", false},
		{"an exclusion", "users/profiles/user_id:ann/events?", "users/profiles/user_id:ann/events?exclude=Login&", false},
		{"one for an inclusion", "users/profiles/user_id:ann/traits?exclude=plan&", "users/profiles/user_id:ann/traits?include=plan&", false},
		{"all names", "users/profiles/user_id:ann/traits?include=plan,email&", "users/profiles/user_id:ann/traits?", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := w.page(c.of + "limit=1")
			require.True(t, p.Cursor.HasMore)
			used := c.used
			if !strings.Contains(used, "limit=") {
				used += "limit=1&"
			}
			status, body := w.get(used + "next=" + p.Cursor.Next)
			if c.good {
				require.Equal(t, 200, status, body)
				return
			}
			require.Equal(t, 400, status, body)
			require.Equal(t, "invalid_cursor", errorCode(t, body))
		})
	}
}

func TestAnAlteredCursorIsRefused(t *testing.T) {
	w := newWorld(t, anyone{})
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, target := range []string{"users/profiles/user_id:ann/traits", "users/profiles/user_id:ann/events", "users/profiles/user_id:ann/external_ids"} {
		next := w.page(target + "?limit=1").Cursor.Next
		altered := []string{
			"garbage", "====", "!", "%00", strings.Repeat("A", 22), next + "A", next + "=", next + "\n", next + " ", " " + next, next[1:], next[:len(next)-1], strings.Repeat(next, 2),
		}
		for i := range next { // each letter to its neighbours in value, which base64 may not tell apart
			at := strings.IndexByte(alphabet, next[i])
			for _, to := range []int{at ^ 1, at ^ 2, at ^ 4, at ^ 32} {
				altered = append(altered, next[:i]+alphabet[to:to+1]+next[i+1:])
			}
		}
		for _, cursor := range altered {
			status, body := w.get(target + "?next=" + url.QueryEscape(cursor))
			require.Equal(t, 400, status, "%q for %q: %s", cursor, next, body)
			require.Equal(t, "invalid_cursor", errorCode(t, body))
		}
	}
}

// A cursor lasts as long as its profile is kept under its id.
func TestACursorAndItsProfile(t *testing.T) {
	w := newWorld(t, anyone{})
	ann := w.page("users/profiles/user_id:ann/events?limit=1").Cursor.Next
	bob := w.page("users/profiles/user_id:bob/traits?limit=1").Cursor.Next
	w.send(`{"type":"alias","previousId":"bob","userId":"ann","messageId":"a1","timestamp":"2026-03-01T11:00:00Z"}`)
	require.Equal(t, "m3", w.page("users/profiles/user_id:bob/events?next=" + ann).Data[0]["message_id"])
	status, _ := w.get("users/profiles/user_id:bob/traits?next=" + bob)
	require.Equal(t, 400, status)
}
