package audience_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
)

// compareAnswers compares what the engine answers about members and values with
// what the oracle does; since when they are so, only if that is asked for.
func (p *player) compareAnswers(at time.Time, since bool) error {
	if err := p.compareMembers(at, since); err != nil {
		return err
	}
	if err := p.compareValues(at, since); err != nil {
		return err
	}
	for _, ref := range p.model.Profiles() {
		if err := p.compareProfile(ref, since); err != nil {
			return err
		}
	}
	return nil
}

// end is the instant to which a history is played in the end: what was three years ago is
// over by then.
func (p *player) end() time.Time { return p.clock.Now().Add(4 * 365 * profile.Day) }

func (p *player) compareMembers(at time.Time, since bool) error {
	same := func(a, b profile.Membership) bool {
		return a.Audience == b.Audience && a.Ref == b.Ref && (!since || a.Since.Equal(b.Since))
	}
	for _, key := range p.model.Audiences() {
		got, err := all(p.engine.Members(p.ctx, key))
		want := p.model.Told(key)
		if err != nil || !slices.EqualFunc(want, got, same) {
			return fmt.Errorf("members of %s: expected %v, actual %v, %v", key, want, got, err)
		}
		if n, err := p.engine.MemberCount(p.ctx, key); err != nil || n != len(want) {
			return fmt.Errorf("member count of %s: expected %d, actual %d, %v", key, len(want), n, err)
		}
		var told []profile.Ref
		for _, m := range want {
			told = append(told, m.Ref)
		}
		if truth := p.model.Members(key, at); !slices.Equal(truth, told) {
			return fmt.Errorf("oracle: members of %s are %v, told are %v", key, truth, told)
		}
	}
	return nil
}

func (p *player) compareValues(at time.Time, since bool) error {
	for _, key := range p.model.Traits() {
		got, err := all(p.engine.Values(p.ctx, key))
		want := p.model.ToldValues(key)
		if err != nil || !slices.EqualFunc(want, got, sameComputed(since)) {
			return fmt.Errorf("values of %s: expected %v, actual %v, %v", key, want, got, err)
		}
		told := map[profile.Ref]profile.Value{}
		for _, v := range want {
			told[v.Ref] = v.Value
		}
		for _, ref := range p.model.Profiles() {
			if truth := p.model.Value(ref, key, at); !sameValue(truth, told[ref]) {
				return fmt.Errorf("oracle: %s of %v is %s, told was %s", key, ref, truth, told[ref])
			}
		}
	}
	return nil
}

// compareProfile compares what is asked of one profile.
func (p *player) compareProfile(ref profile.Ref, since bool) error {
	keys, err := p.engine.AudiencesOf(p.ctx, ref)
	if want := p.toldAudiences(ref); err != nil || !slices.Equal(want, keys) {
		return fmt.Errorf("audiences of %v: expected %v, actual %v, %v", ref, want, keys, err)
	}
	got, err := p.engine.ValuesOf(p.ctx, ref)
	if want := p.toldValues(ref); err != nil || !slices.EqualFunc(want, got, sameComputed(since)) {
		return fmt.Errorf("values of %v: expected %v, actual %v, %v", ref, want, got, err)
	}
	return nil
}

// compareExplanation compares why a profile is in an audience or is not, and for
// how long. A number chooses the two; 0 none.
func (p *player) compareExplanation(number int) error {
	keys, refs := p.model.Audiences(), p.model.Profiles()
	if number == 0 || len(keys) == 0 || len(refs) == 0 {
		return nil
	}
	key, ref := keys[number%len(keys)], refs[number/len(keys)%len(refs)]
	if d := p.live.audiences[key]; d.Of != ref.Subject && !d.PerUser {
		return nil
	}
	x, err := p.engine.Explain(p.ctx, key, ref)
	if err != nil {
		return err
	}
	if p.model.Crosses() {
		// Of others only what was told is known, not what is due at this instant.
		member := p.model.Meets(ref, key)
		if x.Member == member || x.Member == slices.Contains(p.toldAudiences(ref), key) {
			return nil
		}
		return fmt.Errorf("%v in %s: expected %t, actual\n%s", ref, key, member, x)
	}
	member, until := p.model.Foresee(ref, key)
	if x.Member == member && x.Until.Equal(until) {
		return nil
	}
	return fmt.Errorf("%v in %s: expected %t until %s, actual\n%s", ref, key, member, sinceEpoch(until), x)
}

func (p *player) toldAudiences(ref profile.Ref) []string {
	var keys []string
	for _, key := range p.model.Audiences() {
		if slices.ContainsFunc(p.model.Told(key), func(m profile.Membership) bool { return m.Ref == ref }) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (p *player) toldValues(ref profile.Ref) []profile.ComputedValue {
	var values []profile.ComputedValue
	for _, key := range p.model.Traits() {
		for _, v := range p.model.ToldValues(key) {
			if v.Ref == ref {
				values = append(values, v)
			}
		}
	}
	return values
}

// look writes what a callback that is told of a profile sees of it.
func look(n oracle.Notice, keys []string, values []profile.ComputedValue) string {
	text := fmt.Sprintf("in the callback on\n%sit is in %v and has", lines([]oracle.Notice{n}), keys)
	for _, v := range values {
		text += fmt.Sprintf(" %s=%s", v.Key, v.Value)
	}
	return text
}

func sameComputed(since bool) func(a, b profile.ComputedValue) bool {
	return func(a, b profile.ComputedValue) bool {
		return a.Key == b.Key && a.Ref == b.Ref && sameValue(a.Value, b.Value) && (!since || a.Since.Equal(b.Since))
	}
}

// all returns what an iterator yields.
func all[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var got []T
	for v, err := range seq {
		if err != nil {
			return got, err
		}
		got = append(got, v)
	}
	return got, nil
}

// compareDue compares what was said to be due with what came, where callbacks kept still.
func (p *player) compareDue(came []oracle.Notice, due []audience.Transition) error {
	if !p.still {
		return nil
	}
	came = slices.DeleteFunc(slices.Clone(came), func(n oracle.Notice) bool { return n.Change != nil })
	var said []oracle.Notice
	for _, tr := range due {
		said = append(said, oracle.Notice{Transition: tr})
	}
	if err := compareOrder(came, said); err != nil {
		return fmt.Errorf("due %w", err)
	}
	return nil
}

// compareLooks compares what the callbacks of the last call saw.
func (p *player) compareLooks() error {
	if p.shards == 1 && !p.blind && !p.stages && !slices.Equal(p.toSee, p.seen) {
		return fmt.Errorf("expected to be seen:\n%s\nactual:\n%s", strings.Join(p.toSee, "\n"), strings.Join(p.seen, "\n"))
	}
	return nil
}
