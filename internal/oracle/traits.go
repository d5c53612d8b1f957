package oracle

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// traits are those that a profile has.
type traits map[string]profile.Value

// write is a trait as one message set it.
type write struct {
	time    int64
	arrival int
	value   profile.Value
}

// traits returns the custom traits present: of each name the newest write up to
// now, of those of one time the last to arrive, unless that one removes it.
func (v view) traits(since int) traits {
	newest := map[string]write{}
	for _, m := range v.person.messages {
		if m.traits == nil || m.arrival <= since || m.traits.Time.UnixNano() > v.t {
			continue
		}
		for name, value := range m.traits.Traits.All() {
			w := write{m.traits.Time.UnixNano(), m.arrival, value}
			if old, ok := newest[name]; !ok || cmp.Or(cmp.Compare(old.time, w.time), cmp.Compare(old.arrival, w.arrival)) < 0 {
				newest[name] = w
			}
		}
	}
	present := traits{}
	for name, w := range newest {
		if !w.value.IsNull() {
			present[name] = w.value
		}
	}
	return present
}

// scope is the traits that an expression sees, plain, and as text.
type scope struct {
	own, account map[string]any
	id           string         // of whom own is
	ids          map[string]any // likewise; of type email alone
	text         string
}

func newScope(own, account traits) scope {
	return scope{own: own.plain(), account: account.plain(), text: own.String() + account.String()}
}

// by returns the scope with the ids of a profile, if an expression reads any.
func (s scope) by(v view, expression string) scope {
	if !readsIDs.MatchString(expression) {
		return s
	}
	s.id, s.ids = v.ref.ID, map[string]any{}
	var emails []any
	for _, email := range slices.Sorted(maps.Keys(v.person.emails)) {
		emails = append(emails, email)
	}
	if emails != nil {
		s.ids["email"] = emails
	}
	s.text += fmt.Sprint(s.id, emails)
	return s
}

var readsIDs = regexp.MustCompile(`\bids?\b`)

// occasion is where an expression is evaluated.
type occasion struct {
	of, by     profile.Ref // the profile, and the user whose event it is
	expression string
	since      int
}

// scopes returns what an expression of the profile's own sees. It is true if it
// is so with any of them: where a user's reads traits of accounts, there is one
// for each of the user's accounts. In what is of accounts, traits and
// account.traits are the same.
func (v view) scopes(expression string, since int) []scope {
	return v.remember(occasion{v.ref, v.ref, expression, since}, func() []scope {
		names, ofAccount := Mentioned(expression), MentionedOfAccount(expression)
		if v.ref.Subject == profile.Account {
			all := v.seen(append(names, ofAccount...), since)
			return []scope{newScope(all, all).by(v, expression)}
		}
		own := v.seen(names, since)
		if !readsAccount.MatchString(expression) {
			return []scope{newScope(own, nil).by(v, expression)}
		}
		var all []scope
		for _, a := range v.accounts() {
			all = append(all, newScope(own, a.seen(ofAccount, since)).by(v, expression))
		}
		return all
	})
}

// scopesOf returns what a filter on a deed sees. In what is of accounts that is
// the custom traits of the user, and the account's traits.
func (v view) scopesOf(d deed, filter string, since int) []scope {
	if !strings.Contains(filter, "traits") && !readsIDs.MatchString(filter) {
		return []scope{{}}
	}
	if v.ref.Subject == profile.User {
		return v.scopes(filter, since)
	}
	return v.remember(occasion{v.ref, d.user, filter, since}, func() []scope {
		return []scope{newScope(v.of(d.user).traits(since), v.seen(MentionedOfAccount(filter), since)).by(v.of(d.user), filter)}
	})
}

func (v view) remember(at occasion, answer func() []scope) []scope {
	scopes, known := v.memo.scopes[at]
	if !known {
		scopes = answer()
		v.memo.scopes[at] = scopes
	}
	return scopes
}

// seen returns the custom traits and, by their names, computed ones and
// memberships. Those have a since of their own.
func (v view) seen(names []string, since int) traits {
	ts := v.traits(since)
	for _, name := range names {
		v.cover(ts, name)
	}
	return ts
}

// cover puts the computed trait or the membership of a key in place of the
// custom trait, if there is one.
func (v view) cover(ts traits, key string) {
	if c, ok := v.world.traits[key]; ok && c.definition.Of == v.ref.Subject {
		delete(ts, key)
		value := v.value(key)
		if t := c.definition.Type; value.IsNull() && (t == trait.TypeCount || t == trait.TypeUniqueListCount || t == trait.TypeUniqueDays) {
			value = profile.IntValue(0) // a count of nothing
		}
		if !value.IsNull() {
			ts[key] = value
		}
	}
	if a, ok := v.world.audiences[key]; ok && a.definition.Of == v.ref.Subject {
		ts[key] = profile.BoolValue(v.in(key))
	}
}

// A name stands after a dot or is asked for with in.
var (
	mentions = []*regexp.Regexp{
		regexp.MustCompile(`(?:^|[^.\w])traits\.(\w+)`),
		regexp.MustCompile(`"(\w+)" in traits\b`),
	}
	accountMentions = []*regexp.Regexp{
		regexp.MustCompile(`\baccount\.traits\.(\w+)`),
		regexp.MustCompile(`"(\w+)" in account\.traits\b`),
	}
	readsAccount = regexp.MustCompile(`\baccount\.traits\b`)
)

// Mentioned returns the names of the traits in an expression.
func Mentioned(expression string) []string { return find(mentions, expression) }

// MentionedOfAccount returns the names of the account's traits in an expression.
func MentionedOfAccount(expression string) []string { return find(accountMentions, expression) }

func find(names []*regexp.Regexp, expression string) []string {
	var found []string
	for _, re := range names {
		for _, m := range re.FindAllStringSubmatch(expression, -1) {
			found = append(found, m[1])
		}
	}
	return found
}
