package main

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// TestAtRisk says who is to enter and exit with a plain loop over the log, which
// knows nothing of audiences.
func TestAtRisk(t *testing.T) {
	causes := map[audience.Cause]bool{}
	both := map[profile.Subject]bool{}
	for seed := range uint64(100) {
		log, err := companyLog(seed, 60)
		require.NoError(t, err)
		var got []audience.Transition
		w, err := newWatch(context.Background(), log[0].at, func(tr audience.Transition) error {
			tr.ID = 0 // there are notices of ids between them
			got = append(got, tr)
			return nil
		})
		require.NoError(t, err)
		require.NoError(t, w.play(context.Background(), log))
		require.Equal(t, expected(log), got, "seed %d", seed)
		for _, tr := range got {
			causes[tr.Cause], both[tr.Subject] = true, true
		}
	}
	require.Len(t, causes, 4, "event, trait, time and merge")
	require.Len(t, both, 2)
}

// expected looks at everybody whenever something is said, and when a login
// becomes too old.
func expected(log []entry) []audience.Transition {
	var instants []time.Time
	for _, e := range log {
		instants = append(instants, e.at)
		if tooOld := e.at.Add(away); e.message.Name == "Login" && !tooOld.After(log[len(log)-1].at) {
			instants = append(instants, tooOld)
		}
	}
	slices.SortFunc(instants, time.Time.Compare)

	k := known{plan: map[string]string{}, users: map[string]map[string]bool{}, login: map[string]time.Time{}}
	var want []audience.Transition
	was := map[profile.Ref]bool{}
	for _, at := range instants {
		cause := audience.CauseTime
		if log[0].at.Equal(at) {
			cause = k.take(log[0])
			log = log[1:]
		}
		is := k.atRisk(at)
		all := maps.Clone(was)
		maps.Copy(all, is)
		for _, ref := range slices.SortedFunc(maps.Keys(all), usersFirst) {
			if was[ref] == is[ref] {
				continue
			}
			tr := audience.Transition{Audience: "at_risk", Subject: ref.Subject, Profile: ref.ID, At: at, Cause: cause}
			if was[ref] {
				tr.Type = audience.Exited
			}
			want = append(want, tr)
		}
		was = is
		if len(log) == 0 {
			break
		}
	}
	return want
}

func usersFirst(a, b profile.Ref) int {
	if a.Subject != b.Subject {
		return int(a.Subject) - int(b.Subject)
	}
	return strings.Compare(a.ID, b.ID)
}

// known is what has been said.
type known struct {
	plan  map[string]string          // by account
	users map[string]map[string]bool // by account
	login map[string]time.Time       // the last, by user
}

func (k *known) take(e entry) audience.Cause {
	m := e.message
	switch {
	case e.leaves:
		delete(k.users[m.GroupID], m.UserID)
	case m.Type == profile.Track:
		k.login[m.UserID] = m.Time
		return audience.CauseEvent
	case m.Type == profile.Alias:
		if other := k.login[m.PreviousID]; other.After(k.login[m.UserID]) {
			k.login[m.UserID] = other
		}
		return audience.CauseMerge
	default:
		if k.users[m.GroupID] == nil {
			k.users[m.GroupID] = map[string]bool{}
		}
		k.users[m.GroupID][m.UserID] = true
		if plan, ok := m.Traits.Get("plan"); ok {
			k.plan[m.GroupID], _ = plan.Text()
		}
	}
	return audience.CauseTrait
}

// atRisk returns the accounts at risk, with their users.
func (k *known) atRisk(now time.Time) map[profile.Ref]bool {
	members := map[profile.Ref]bool{}
	for account, plan := range k.plan {
		risk := plan == "business"
		for user := range k.users[account] {
			risk = risk && !k.login[user].Add(away).After(now)
		}
		if !risk {
			continue
		}
		members[profile.AccountRef(account)] = true
		for user := range k.users[account] {
			members[profile.UserRef(user)] = true
		}
	}
	return members
}

// The audience as a definitions file has it is the one that is built.
func TestDefinitionsFile(t *testing.T) {
	text, err := os.ReadFile("definitions.json")
	require.NoError(t, err)
	file, err := audience.ParseFile(text)
	require.NoError(t, err)
	require.Equal(t, audience.File{Audiences: []audience.Definition{atRisk()}}, file)
}

func TestOutput(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), &out))
	require.Equal(t, `2026-03-25 10:08:12      dan           entered  time
2026-03-25 10:08:12      finn          entered  time
2026-03-25 10:08:12  account initech   entered  time
2026-03-25 10:44:39      finn          exited   trait
2026-03-26 17:31:04      ann           entered  time
2026-03-26 17:31:04      gus           entered  time
2026-03-26 17:31:04  account acme      entered  time
2026-03-28 12:15:03      kim           entered  trait
2026-03-31 12:20:54      eve           entered  time
2026-03-31 12:20:54      hana          entered  time
2026-03-31 12:20:54  account umbrella  entered  time
2026-04-01 08:39:31      ben           entered  time
2026-04-01 08:39:31  account globex    entered  time
2026-04-04 17:27:12      dan           exited   event
2026-04-04 17:27:12  account initech   exited   event
2026-04-04 17:51:36      eve           exited   event
2026-04-04 17:51:36      hana          exited   event
2026-04-04 17:51:36  account umbrella  exited   event
2026-04-05 16:23:45      ann           exited   event
2026-04-05 16:23:45      gus           exited   event
2026-04-05 16:23:45      kim           exited   event
2026-04-05 16:23:45  account acme      exited   event
2026-04-15 14:59:18      ben           exited   merge
2026-04-15 14:59:18  account globex    exited   merge
2026-04-24 10:38:32      dan           entered  time
2026-04-24 10:38:32  account initech   entered  time

At risk on 2026-04-30: initech since 2026-04-24.
`, out.String())
}

var errFull = errors.New("disk is full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestOutputThatCannotBeWritten(t *testing.T) {
	require.ErrorIs(t, run(context.Background(), fullDisk{}), errFull)
}
