package destination_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/destination"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

// engineRig is a hub on an engine, with a receiver that writes down in short what
// it is sent. In the audience "buyers" are those who bought within an hour; "spent"
// is what they spent in it.
type engineRig struct {
	*require.Assertions
	t      *testing.T
	ctx    context.Context
	clock  *audience.ManualClock
	engine *audience.Engine
	hub    *destination.Hub
	to     *lines
}

func newEngineRig(t *testing.T) *engineRig {
	r := &engineRig{Assertions: require.New(t), t: t, ctx: context.Background(), clock: audience.NewManualClock(start), to: &lines{}}
	var err error
	r.engine, err = audience.New(r.ctx, profile.NewMemStore(), audience.Options{Clock: r.clock})
	r.NoError(err)
	r.NoError(r.engine.CreateTraits(r.ctx, trait.Sum("spent", "Buy", "total").Within(time.Hour)))
	r.NoError(r.engine.Create(r.ctx, audience.Define("buyers").Members(audience.Performed("Buy").Within(time.Hour))))
	r.hub = destination.NewHub(r.engine, destination.Options{})
	t.Cleanup(func() {
		_ = r.hub.Close(r.ctx)
		_ = r.engine.Close()
	})
	return r
}

func (r *engineRig) connect(cfg destination.Config) *destination.Connection {
	c, err := r.hub.Connect(r.ctx, r.to, cfg)
	r.NoError(err)
	return c
}

// does applies messages: "user=ann", "anonymous=v" or "user=ann,anonymous=v", then
// "buys", "merges PREVIOUS", "is EMAIL" or "is deleted".
func (r *engineRig) does(lines ...string) {
	for _, line := range lines {
		who, what, _ := strings.Cut(line, " ")
		m := profile.Message{Type: profile.Track, Name: "Buy", Time: r.clock.Now()}
		for _, id := range strings.Split(who, ",") {
			if kind, id, _ := strings.Cut(id, "="); kind == "user" {
				m.UserID = id
			} else {
				m.AnonymousID = id
			}
		}
		verb, object, _ := strings.Cut(what, " ")
		var err error
		switch verb {
		case "buys":
			m.Properties, err = profile.NewObject(map[string]any{"total": 5})
		case "merges":
			m.Type, m.Name, m.PreviousID = profile.Alias, "", object
		case "is":
			if object == "deleted" {
				r.NoError(r.engine.DeleteUser(r.ctx, m.Profile()))
				continue
			}
			m.Type, m.Name = profile.Identify, ""
			m.Traits, err = profile.NewObject(map[string]any{"email": object})
		}
		r.NoError(err)
		r.NoError(r.engine.Apply(r.ctx, m), line)
	}
}

// passes moves the clock.
func (r *engineRig) passes(d time.Duration) {
	r.clock.Set(r.clock.Now().Add(d))
	r.NoError(r.engine.Advance(r.ctx, r.clock.Now()))
}

// got sends all, and returns what was received: "+buyers user=ann a@x.io" or
// "-buyers ...", a line for each message.
func (r *engineRig) got() []string {
	r.NoError(r.hub.Flush(r.ctx))
	short := []string{}
	for _, b := range r.to.batches {
		for _, m := range b.Messages {
			values := m.Traits
			if m.Type == profile.Track {
				values = m.Properties
			}
			line := ""
			for key, v := range values.All() {
				switch {
				case key == "audience_key", key == "trait_key":
					continue
				case v.IsNull(), v.Equal(profile.BoolValue(false)):
					line = "-" + key
				default:
					line = "+" + key
				}
			}
			short = append(short, line+named(m.UserID, m.AnonymousID, m.IDs()))
		}
		for _, l := range b.Lists {
			for _, m := range l.Remove {
				short = append(short, "-"+l.Audience+namedMember(m))
			}
			for _, m := range l.Add {
				short = append(short, "+"+l.Audience+namedMember(m))
			}
		}
	}
	r.to.text, r.to.batches = nil, nil
	return short
}

func namedMember(m destination.Member) string {
	if m.Anonymous {
		return named("", m.ID, m.ExternalIDs)
	}
	return named(m.ID, "", m.ExternalIDs)
}

// named writes the ids that a message names.
func named(user, anonymous string, ids []profile.ExternalID) (text string) {
	if user != "" {
		text += " user=" + user
	}
	if anonymous != "" {
		text += " anonymous=" + anonymous
	}
	for _, id := range ids {
		if id.Type == "email" {
			text += " " + id.Value
		}
	}
	return text
}

// Receivers of each kind are told the same.
var modes = map[string]destination.Config{
	"identify": {Mode: destination.Identify},
	"track":    {Mode: destination.Track},
	"lists":    {Mode: destination.Lists},
}

// After a merge nobody is told that a present member is out, in any mode, with
// external ids and without; who is none is told out under what was his own.
func TestMergesInEachMode(t *testing.T) {
	for name, tt := range map[string]struct {
		before []string // sent before the merge
		merge  []string
		emails []string // what is sent then, with emails
		plain  []string // and without
		end    []string // when an hour has passed
		ended  []string // and without emails
	}{
		"a visitor and a user, both members": {
			before: []string{"user=ann buys", "user=ann is ann@x.io", "anonymous=v buys"},
			merge:  []string{"user=ann merges v"},
			end:    []string{"-buyers user=ann ann@x.io", "-buyers anonymous=v"},
			ended:  []string{"-buyers user=ann", "-buyers anonymous=v"},
		},
		"a visitor who is one, by logging in": {
			before: []string{"user=ann is ann@x.io", "anonymous=v buys"},
			merge:  []string{"user=ann,anonymous=v is ann@x.io"},
			emails: []string{"+buyers user=ann ann@x.io"},
			plain:  []string{"+buyers user=ann"},
			end:    []string{"-buyers anonymous=v", "-buyers user=ann ann@x.io"},
			ended:  []string{"-buyers anonymous=v", "-buyers user=ann"},
		},
		"a visitor with an email of his own": {
			before: []string{"user=ann buys", "user=ann is ann@x.io", "anonymous=v buys", "anonymous=v is v@x.io"},
			merge:  []string{"user=ann merges v"},
			emails: []string{"+buyers user=ann ann@x.io v@x.io"},
			end:    []string{"-buyers user=ann ann@x.io v@x.io", "-buyers anonymous=v"},
			ended:  []string{"-buyers user=ann", "-buyers anonymous=v"},
		},
		"two users": {
			before: []string{"user=ann buys", "user=ann is ann@x.io", "user=ana buys", "user=ana is ana@x.io"},
			merge:  []string{"user=ann merges ana"},
			emails: []string{"+buyers user=ann ana@x.io ann@x.io"},
			end:    []string{"-buyers user=ann ana@x.io ann@x.io", "-buyers user=ana"},
			ended:  []string{"-buyers user=ann", "-buyers user=ana"},
		},
		"a user into one who is none": {
			before: []string{"user=ana buys", "user=ana is ana@x.io", "user=ann is ann@x.io"},
			merge:  []string{"user=ann merges ana"},
			emails: []string{"+buyers user=ann ana@x.io ann@x.io"},
			plain:  []string{"+buyers user=ann"},
			end:    []string{"-buyers user=ana", "-buyers user=ann ana@x.io ann@x.io"},
			ended:  []string{"-buyers user=ana", "-buyers user=ann"},
		},
		"one merge after another": {
			before: []string{"anonymous=v buys", "anonymous=w buys"},
			merge:  []string{"user=ann merges v", "user=ann merges w", "user=bob merges ann", "user=bob is b@x.io"},
			emails: []string{"+buyers user=bob b@x.io"},
			plain:  []string{"+buyers user=bob"},
			end:    []string{"-buyers user=bob b@x.io", "-buyers anonymous=v", "-buyers anonymous=w"},
			ended:  []string{"-buyers user=bob", "-buyers anonymous=v", "-buyers anonymous=w"},
		},
	} {
		for mode, cfg := range modes {
			for _, types := range [][]string{{"email"}, nil} {
				t.Run(fmt.Sprint(name, ", ", mode, types), func(t *testing.T) {
					r := newEngineRig(t)
					cfg.ExternalIDs = types
					r.connect(cfg)
					r.does(tt.before...)
					r.NotEmpty(r.got())
					r.does(tt.merge...)
					want, end := tt.emails, tt.end
					if types == nil {
						want, end = tt.plain, tt.ended
					}
					r.ElementsMatch(want, r.got())
					r.passes(time.Hour)
					r.ElementsMatch(end, r.got())
				})
			}
		}
	}
}

// When the whole is no member, both exits are sent, each with what was its own.
func TestAMergeAfterWhichNobodyIsAMember(t *testing.T) {
	for mode, cfg := range modes {
		t.Run(mode, func(t *testing.T) {
			r := newEngineRig(t)
			r.NoError(r.engine.Create(r.ctx, audience.Define("once").Members(audience.Performed("Buy").Exactly(1))))
			cfg.ExternalIDs, cfg.Audiences = []string{"email"}, []string{"once"}
			r.connect(cfg)
			r.does("user=ann buys", "user=ann is ann@x.io", "anonymous=v buys")
			r.ElementsMatch([]string{"+once user=ann ann@x.io", "+once anonymous=v"}, r.got())
			r.does("user=ann merges v")
			r.ElementsMatch([]string{"-once anonymous=v", "-once user=ann ann@x.io"}, r.got())
		})
	}
}

// An email that several have goes with the last of them.
func TestASharedEmail(t *testing.T) {
	for mode, cfg := range modes {
		t.Run(mode, func(t *testing.T) {
			r := newEngineRig(t)
			cfg.ExternalIDs = []string{"email"}
			r.connect(cfg)
			r.does("user=ann buys", "user=ann is family@x.io", "user=bob is family@x.io", "user=eve is family@x.io")
			r.passes(time.Minute)
			r.does("user=bob buys")
			r.ElementsMatch([]string{"+buyers user=ann family@x.io", "+buyers user=bob family@x.io"}, r.got())
			r.passes(59 * time.Minute)
			r.Equal([]string{"-buyers user=ann"}, r.got(), "bob has the email, and is in")
			r.passes(time.Minute)
			r.Equal([]string{"-buyers user=bob family@x.io"}, r.got(), "eve has it, and is not")
		})
	}
}

// Who was deleted exits as who entered, and with all ids; so lists by email lose
// her. Also when the connection was made anew meanwhile.
func TestDeletedProfilesInEachMode(t *testing.T) {
	for mode, cfg := range modes {
		for _, anew := range []bool{false, true} {
			t.Run(fmt.Sprint(mode, anew), func(t *testing.T) {
				r := newEngineRig(t)
				cfg.ExternalIDs = []string{destination.All}
				c := r.connect(cfg)
				r.does("anonymous=v buys", "user=ann buys", "user=ann is ann@x.io", "user=ann is ann@y.io")
				r.ElementsMatch([]string{"+buyers anonymous=v", "+buyers user=ann ann@x.io ann@y.io"}, r.got())
				if anew {
					r.NoError(c.Close(r.ctx))
				}
				r.does("anonymous=v is deleted", "user=ann is deleted")
				if anew {
					r.connect(cfg)
				}
				r.ElementsMatch([]string{"-buyers anonymous=v", "-buyers user=ann ann@x.io ann@y.io"}, r.got())
			})
		}
	}
}

// Who is deleted and comes back before that was sent is not told to go; but what
// is not hers any more is taken back.
func TestDeletedAndThereAnew(t *testing.T) {
	for mode, cfg := range modes {
		t.Run(mode, func(t *testing.T) {
			r := newEngineRig(t)
			cfg.ExternalIDs = []string{"email"}
			r.connect(cfg)
			r.does("user=ann buys", "user=ann is old@x.io")
			r.Equal([]string{"+buyers user=ann old@x.io"}, r.got())
			r.does("user=ann is deleted", "user=ann buys", "user=ann is new@x.io")
			r.Equal([]string{"-buyers old@x.io", "+buyers user=ann new@x.io"}, withoutStandIns(r.got()))
			r.passes(time.Hour)
			r.Equal([]string{"-buyers user=ann new@x.io"}, r.got())
		})
	}
}

// withoutStandIns leaves out the anonymous ids of messages that are nobody's.
func withoutStandIns(lines []string) (kept []string) {
	for _, line := range lines {
		words := strings.Fields(line)
		for i, word := range words {
			if strings.HasPrefix(word, "anonymous=muster-") {
				words = append(words[:i], words[i+1:]...)
				break
			}
		}
		kept = append(kept, strings.Join(words, " "))
	}
	return kept
}

// A member whose email becomes known later is told again, and one who has another
// device is not, unless devices are sent.
func TestALaterEmailIsTold(t *testing.T) {
	for mode, cfg := range modes {
		t.Run(mode, func(t *testing.T) {
			r := newEngineRig(t)
			cfg.ExternalIDs = []string{"email"}
			c := r.connect(cfg)
			r.does("user=ann buys", "user=bob is bob@x.io")
			r.Equal([]string{"+buyers user=ann"}, r.got())
			r.does("user=ann,anonymous=phone buys", "user=bob is bob@y.io")
			r.Empty(r.got())
			r.does("user=ann is ann@x.io")
			r.Equal([]string{"+buyers user=ann ann@x.io"}, r.got())
			r.does("user=ann is ann@x.io")
			r.Empty(r.got())

			// Also when she gets it while nobody is connected, or before she is told.
			r.NoError(c.Close(r.ctx))
			r.does("user=ann is ann@y.io")
			r.connect(cfg)
			r.does("user=ann is ann@z.io")
			r.Equal([]string{"+buyers user=ann ann@x.io ann@y.io ann@z.io"}, r.got())
		})
	}
}

// Of one instant exits come before entries, whoever was told first.
func TestExitsComeBeforeEntriesOfOneInstant(t *testing.T) {
	for _, mode := range []destination.Mode{destination.Identify, destination.Track} {
		r := newEngineRig(t)
		r.NoError(r.engine.Create(r.ctx, audience.Define("back").Members(
			audience.All(audience.Performed("Buy"), audience.NotPerformed("Buy").Within(time.Hour)))))
		r.connect(destination.Config{Mode: mode, BatchSize: 1})
		r.does("user=ann buys", "user=bob buys")
		r.got()
		r.passes(time.Hour)
		lines := r.got()
		r.ElementsMatch([]string{"-buyers user=ann", "-buyers user=bob"}, lines[:2])
		r.ElementsMatch([]string{"+back user=ann", "+back user=bob"}, lines[2:])
	}
}
