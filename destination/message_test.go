package destination_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// lines keeps the JSON of what it is sent.
type lines struct {
	text    []string
	batches []*destination.Batch
	fail    func(*destination.Batch) error
}

func (*lines) Type() string { return "lines" }

func (*lines) Modes() destination.Mode {
	return destination.Identify | destination.Track | destination.Lists
}

func (l *lines) Deliver(_ context.Context, b *destination.Batch) error {
	if l.fail != nil {
		if err := l.fail(b); err != nil {
			return err
		}
	}
	l.batches = append(l.batches, b)
	for line, err := range b.Lines() {
		if err != nil {
			return err
		}
		l.text = append(l.text, string(line))
	}
	return nil
}

// The form of what is sent, in each mode.
func TestForms(t *testing.T) {
	const context = `"context":{"personas":{"computation_class":"audience","computation_key":"big"}}`
	account := entered("risky", "acme", start)
	account.Subject = profile.Account
	ofUser := entered("risky", "ann", start)
	for name, tt := range map[string]struct {
		cfg  destination.Config
		does []audience.Transition
		want []string
	}{
		"identify": {
			destination.Config{Mode: destination.Identify},
			[]audience.Transition{entered("big", "ann", start)},
			[]string{`{"type":"identify","messageId":"ID","timestamp":"2026-03-01T12:00:00Z","userId":"ann","traits":{"big":true},` + context + `}`},
		},
		"track, with nanoseconds": {
			destination.Config{Mode: destination.Track},
			[]audience.Transition{entered("big", "ann", start.Add(1))},
			[]string{`{"type":"track","messageId":"ID","timestamp":"2026-03-01T12:00:00.000000001Z","userId":"ann",` +
				`"event":"Audience Entered","properties":{"audience_key":"big","big":true},` + context + `}`},
		},
		"both": {
			destination.Config{Mode: destination.Identify | destination.Track},
			[]audience.Transition{entered("big", "<ann>", start)},
			[]string{
				`{"type":"identify","messageId":"ID","timestamp":"2026-03-01T12:00:00Z","userId":"<ann>","traits":{"big":true},` + context + `}`,
				`{"type":"track","messageId":"ID","timestamp":"2026-03-01T12:00:00Z","userId":"<ann>",` +
					`"event":"Audience Entered","properties":{"audience_key":"big","big":true},` + context + `}`,
			},
		},
		"group": {
			destination.Config{Mode: destination.Track, AnonymousID: "muster"},
			[]audience.Transition{account},
			[]string{`{"type":"group","messageId":"ID","timestamp":"2026-03-01T12:00:00Z","anonymousId":"muster","groupId":"acme","traits":{"risky":true},` +
				strings.Replace(context, "big", "risky", 1) + `}`},
		},
		"lists": {
			destination.Config{Mode: destination.Lists},
			[]audience.Transition{entered("big", "ann", start), account, entered("big", "bob", start), ofUser},
			[]string{
				`{"type":"list","audience":"big","of":"users","add":[{"id":"ann","messageId":"ID","timestamp":"2026-03-01T12:00:00Z"},` +
					`{"id":"bob","messageId":"ID","timestamp":"2026-03-01T12:00:00Z"}]}`,
				`{"type":"list","audience":"risky","of":"accounts","add":[{"id":"acme","messageId":"ID","timestamp":"2026-03-01T12:00:00Z"}]}`,
				`{"type":"list","audience":"risky","of":"users","add":[{"id":"ann","messageId":"ID","timestamp":"2026-03-01T12:00:00Z"}]}`,
			},
		},
		"with what else a profile is known by": {
			destination.Config{Mode: destination.Lists, ExternalIDs: []string{destination.All}},
			[]audience.Transition{entered("big", "ann", start)},
			[]string{`{"type":"list","audience":"big","of":"users","add":[{"id":"ann","messageId":"ID","timestamp":"2026-03-01T12:00:00Z",` +
				`"externalIds":[{"type":"email","id":"ann@x.io"},{"type":"user_id","id":"ann"}]}]}`},
		},
		"with one type of that": {
			destination.Config{Mode: destination.Lists, ExternalIDs: []string{"email", "phone"}},
			[]audience.Transition{entered("big", "ann", start)},
			[]string{`{"type":"list","audience":"big","of":"users","add":[{"id":"ann","messageId":"ID","timestamp":"2026-03-01T12:00:00Z",` +
				`"externalIds":[{"type":"email","id":"ann@x.io"}]}]}`},
		},
		"of an anonymous visitor, without": {
			destination.Config{Mode: destination.Identify},
			[]audience.Transition{entered("big", "anon", start)},
			[]string{`{"type":"identify","messageId":"ID","timestamp":"2026-03-01T12:00:00Z","anonymousId":"anon","traits":{"big":true},` + context + `}`},
		},
		"of an anonymous visitor": {
			destination.Config{Mode: destination.Identify, ExternalIDs: []string{destination.All}},
			[]audience.Transition{entered("big", "anon", start)},
			[]string{`{"type":"identify","messageId":"ID","timestamp":"2026-03-01T12:00:00Z","anonymousId":"anon","traits":{"big":true},` +
				`"context":{"externalIds":[{"collection":"users","encoding":"none","id":"anon","type":"anonymous_id"}],` +
				`"personas":{"computation_class":"audience","computation_key":"big"}}}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "big", "risky")
			to := &lines{}
			_, err := r.hub.Connect(r.ctx, to, tt.cfg)
			r.NoError(err)
			r.src.named("ann", email("ann@x.io"), profile.ExternalID{Type: "user_id", Value: "ann"})
			r.NoError(profile.Apply(r.ctx, r.src.profiles, start, &profile.PutIDs{Ref: profile.UserRef("anon"), Visitor: true,
				IDs: []profile.ExternalID{{Type: "anonymous_id", Value: "anon"}}}))
			for _, tr := range tt.does {
				r.src.change(tr)
			}
			r.NoError(r.hub.Flush(r.ctx))
			r.Len(to.text, len(tt.want))
			for i, line := range to.text {
				r.Equal(tt.want[i], withoutIDs(t, line))
			}
		})
	}
}

func email(address string) profile.ExternalID {
	return profile.ExternalID{Type: "email", Value: address}
}

// withoutIDs replaces message ids, which have to be what they promise.
func withoutIDs(t *testing.T, line string) string {
	parts := strings.Split(line, `"messageId":"`)
	for i, part := range parts[1:] {
		id, rest, found := strings.Cut(part, `"`)
		require.True(t, found)
		require.Regexp(t, "^muster-[0-9a-f]{32}$", id)
		parts[i+1] = "ID\"" + rest
	}
	return strings.Join(parts, `"messageId":"`)
}

// What is sent of accounts, and of their users.
func TestAccountCalls(t *testing.T) {
	of := func(s profile.Subject, tr audience.Transition) audience.Transition {
		tr.Subject = s
		return tr
	}
	for calls, want := range map[destination.AccountCalls][]string{
		destination.GroupAndUserCalls: {"account acme: risky true", "ann: risky true", "ann: big true", "account new: risky true", "bob: risky true"},
		destination.GroupCalls:        {"account acme: risky true", "ann: big true", "account new: risky true"},
		destination.UserCalls:         {"ann: risky true", "ann: big true", "bob: risky true"},
	} {
		r := newRig(t, "big")
		r.src.defs = append(r.src.defs, audience.Definition{Key: "risky", Of: profile.Account, PerUser: true})
		r.src.store(entered("big", "ann", start))
		r.src.store(entered("risky", "ann", start))
		r.src.store(of(profile.Account, entered("risky", "acme", start)))
		r.connect(destination.Config{Accounts: calls})
		r.src.change(of(profile.Account, entered("risky", "new", start)))
		r.src.change(entered("risky", "bob", start))
		r.sync()
		r.ElementsMatch(want, r.to.got(), calls)
	}

	// What is sent no more is ignored, rather than taken back.
	r := newRig(t)
	r.src.defs = append(r.src.defs, audience.Definition{Key: "risky", Of: profile.Account, PerUser: true})
	r.src.store(entered("risky", "ann", start))
	c := r.connect(destination.Config{})
	r.sync()
	r.NoError(c.Close(r.ctx))
	r.Equal([]string{"ann: risky true"}, r.to.got())
	r.connect(destination.Config{Accounts: destination.GroupCalls})
	r.sync()
	r.Empty(r.to.got())

	// Of an audience that is created later it is learned what it is of.
	r = newRig(t)
	r.connect(destination.Config{Accounts: destination.GroupCalls})
	r.src.defs = append(r.src.defs, audience.Definition{Key: "risky", Of: profile.Account, PerUser: true})
	r.src.change(entered("risky", "ann", start))
	r.src.change(of(profile.Account, entered("risky", "acme", start)))
	r.sync()
	r.Equal([]string{"account acme: risky true"}, r.to.got())
}

// Ids that cannot be looked up now are looked up again; more of them than fit
// into a message are refused.
func TestExternalIDsThatFail(t *testing.T) {
	r := newRig(t, "a")
	r.src.store(entered("a", "u", start))
	c := r.connect(destination.Config{ExternalIDs: []string{"email"}})
	r.src.broken = errDown
	r.Positive(r.sync())
	r.ErrorIs(c.Stats().LastError, errDown)
	r.src.broken = nil
	many := &profile.PutIDs{Ref: profile.UserRef("u")}
	for i := range 400 {
		many.IDs = append(many.IDs, email(fmt.Sprint(i, strings.Repeat("x", 1000))))
	}
	r.NoError(profile.Apply(r.ctx, r.src.profiles, start, many))
	r.NoError(c.Flush(r.ctx))
	r.ErrorIs(c.Stats().LastError, profile.ErrTooLarge)
	r.ErrorContains(c.Stats().LastError, `message of user "u"`)
	r.EqualValues(1, c.Stats().Refused)
}

// FuzzEncodeMessage: what is written, profile.ParseMessage reads back.
func FuzzEncodeMessage(f *testing.F) {
	for _, line := range []string{
		`{"type":"track","event":"E","userId":"u","timestamp":"2026-03-01T12:00:00.123456789Z","properties":{"a":[1,2.5,"\u2028"]},"messageId":"m"}`,
		`{"type":"identify","anonymousId":"a","timestamp":"2026-03-01","traits":{"n":null,"m":{}},"context":{"groupId":"g"}}`,
		`{"type":"group","userId":"u","groupId":"g","timestamp":"2026-03-01","traits":{"<k>":"&"}}`,
		`{"type":"alias","userId":"u","previousId":"p","timestamp":"2026-03-01"}`,
		`{"type":"page","name":"Home","category":"Docs","userId":"u","timestamp":"2026-03-01"}`,
		`{"type":"screen","userId":"u","timestamp":"2026-03-01","properties":{"x":1e300}}`,
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		m, err := profile.ParseMessage([]byte(line))
		if err != nil {
			t.Skip()
		}
		text, err := destination.EncodeMessage(&m)
		require.NoError(t, err)
		require.NotContains(t, string(text), "\n")
		require.True(t, json.Valid(text))
		if len(text) > profile.MaxLine {
			t.Skip()
		}
		again, err := profile.ParseMessage(text)
		require.NoError(t, err, "%s", text)
		text2, err := destination.EncodeMessage(&again)
		require.NoError(t, err)
		require.Equal(t, string(text), string(text2))
		require.Equal(t, m.Name, again.Name)
		require.Equal(t, m.GroupID, again.GroupID)
		require.True(t, m.Time.Equal(again.Time))
	})
}
