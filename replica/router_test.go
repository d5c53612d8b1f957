package replica_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/replica"
	"github.com/muster-go/muster/replica/logtest"
	"github.com/stretchr/testify/require"
)

// With profiles in several partitions each is told what one engine tells of it that has
// taken all records, in the same order.
func TestSeveralPartitionsTellEachProfileWhatOneEngineDoes(t *testing.T) {
	const partitions = 3
	apart, crossed, together, told := 0, 0, 0, 0
	for seed := range uint64(*histories / 10) {
		c := newCluster(t, seed, partitions)
		// No two records of the test have one time, and no worker's tick comes before a record at
		// the time of that: the one engine, which has no ticks, would tell it as of the record.
		log := &timed{Memory: c.log}
		router := replica.NewRouter(log, &replica.MemoryPlacements{}, nil)
		c.start()
		c.start()
		var taken []replica.Record
		for _, s := range generate(seed, 40) {
			if !s.at.After(log.at) {
				s.at = log.at.Add(1)
			}
			log.at = s.at
			err := route(t, router, c, s)
			switch {
			case errors.Is(err, replica.ErrApart):
				apart++
			case errors.Is(err, replica.ErrCrosses):
				crossed++
			case errors.Is(err, profile.ErrInvalid), errors.Is(err, profile.ErrNotFound):
				// it is taken by nobody
			default:
				require.NoError(t, err)
				taken = append(taken, replica.Record{Number: uint64(len(taken)) + 1, Time: s.at, Body: s.body})
			}
			if c.rand.IntN(4) == 0 {
				c.disturb()
			}
		}
		tick := must(replica.Command{Op: replica.Tick}.Body()) // all partitions come to the same instant
		for i := range partitions {
			c.append(i, c.log.Now(), tick)
		}
		c.finish()
		store, err := newStore(t.Context(), 0)
		require.NoError(t, err)
		taken = append(taken, replica.Record{Number: uint64(len(taken)) + 1, Time: c.log.Now(), Body: tick})
		want, err := logtest.Reference(t.Context(), store, taken, nil)
		require.NoError(t, err)
		var got []string
		at := map[string]int{}
		for i := range partitions {
			lines, err := logtest.Lines(c.log.Output(i))
			require.NoError(t, err)
			got = append(got, lines...)
			if len(lines) > 0 {
				at[fmt.Sprint(i)] = len(lines)
			}
		}
		if len(at) > 1 {
			together++
		}
		told += len(got)
		require.Equal(t, byProfile(want), byProfile(got), "seed %d", seed)
	}
	t.Logf("%d told, the same by profile; %d histories used several partitions; %d messages were of profiles apart, and %d commands crossed profiles", told, together, apart, crossed)
	require.Positive(t, together)
	require.Positive(t, apart)
	require.Positive(t, crossed)
}

// timed is a log whose records are of a time that is set before.
type timed struct {
	*logtest.Memory
	at time.Time
}

func (l *timed) Append(ctx context.Context, partition int, bodies ...[]byte) (uint64, error) {
	return l.AppendAt(ctx, l.at, partition, bodies...)
}

func route(t *testing.T, router *replica.Router, c *cluster, s step) error {
	c.driving.Store(true)
	defer c.driving.Store(false)
	if s.body[0] != '!' {
		_, err := router.Append(t.Context(), s.body)
		return err
	}
	var command replica.Command
	command, err := decode[replica.Command](string(s.body[1:]))
	if err != nil {
		return err
	}
	return router.Command(t.Context(), command)
}

// byProfile returns what is told of each profile, in order.
func byProfile(lines []string) map[string][]string {
	of := map[string][]string{}
	for _, line := range lines {
		_, text, _ := strings.Cut(line, " ")
		who, _, _ := strings.Cut(text, " ")
		of[who] = append(of[who], text)
	}
	return of
}

func TestANewUserIsPlacedWhereItsVisitorIs(t *testing.T) {
	log := logtest.NewMemory(16, epoch)
	router := replica.NewRouter(log, &replica.MemoryPlacements{}, nil)
	send := func(text string) (int, error) { return router.Append(t.Context(), []byte(text)) }
	var users []int
	for i := range 20 {
		visitor, err := send(fmt.Sprintf(`{"type":"track","event":"Look","timestamp":"2026-03-01T00:00:00Z","anonymousId":"v%d"}`, i))
		require.NoError(t, err)
		require.Equal(t, replica.PartitionOf(fmt.Sprintf("v%d", i), 16), visitor)
		user, err := send(fmt.Sprintf(`{"type":"identify","timestamp":"2026-03-01T00:00:00Z","userId":"u%d","anonymousId":"v%d"}`, i, i))
		require.NoError(t, err)
		require.Equal(t, visitor, user)
		again, err := send(fmt.Sprintf(`{"type":"track","event":"Buy","timestamp":"2026-03-01T00:00:00Z","userId":"u%d"}`, i))
		require.NoError(t, err)
		require.Equal(t, visitor, again)
		users = append(users, user)
	}
	require.Greater(t, len(slices.Compact(slices.Sorted(slices.Values(users)))), 4)

	// A new visitor of a user who is known goes to the user.
	device, err := send(`{"type":"track","event":"Look","timestamp":"2026-03-01T00:00:00Z","userId":"u3","anonymousId":"phone"}`)
	require.NoError(t, err)
	require.Equal(t, users[3], device)
	device, err = send(`{"type":"track","event":"Look","timestamp":"2026-03-01T00:00:00Z","anonymousId":"phone"}`)
	require.NoError(t, err)
	require.Equal(t, users[3], device)
}

func TestProfilesInDifferentPartitionsAreNotMadeOne(t *testing.T) {
	log := logtest.NewMemory(2, epoch)
	router := replica.NewRouter(log, &replica.MemoryPlacements{}, nil)
	at := map[int]string{}
	for i := range 20 {
		id := fmt.Sprintf("u%d", i)
		where, err := router.Append(t.Context(), fmt.Appendf(nil, `{"type":"track","event":"Look","timestamp":"2026-03-01T00:00:00Z","userId":%q}`, id))
		require.NoError(t, err)
		at[where] = id
	}
	_, err := router.Append(t.Context(), fmt.Appendf(nil, `{"type":"alias","timestamp":"2026-03-01T00:00:00Z","previousId":%q,"userId":%q}`, at[0], at[1]))
	require.ErrorIs(t, err, replica.ErrApart)
	require.Len(t, append(log.Records(0), log.Records(1)...), 20)
}

func TestWhatCrossesProfilesIsRefusedWhereTheyAreInPartitions(t *testing.T) {
	log := logtest.NewMemory(2, epoch)
	router := replica.NewRouter(log, &replica.MemoryPlacements{}, nil)
	for _, text := range []string{
		`{"op":"create","file":{"audiences":[{"key":"a","of":"accounts","where":{"trait":"traits.x == 1"}}]}}`,
		`{"op":"create","file":{"audiences":[{"key":"a","where":{"not":{"trait":"account.traits.x == 1"}}}]}}`,
		`{"op":"create","file":{"audiences":[{"key":"a","where":{"all":[{"event":{"name":"Buy","where":"account.traits.x == 1"}}]}}]}}`,
		`{"op":"create","file":{"traits":[{"key":"a","of":"accounts","type":"count","event":"Buy"}]}}`,
		`{"op":"edit_audience","audience":{"key":"a","where":{"any":[{"trait":"1 == 1 && account.traits.x == 1"}]}}}`,
		`{"op":"leave","profile":"u","account":"a"}`,
		`{"op":"delete_account","account":"a"}`,
	} {
		require.ErrorIs(t, router.Command(t.Context(), must(decode[replica.Command](text))), replica.ErrCrosses, text)
	}
	for _, text := range []string{
		`{"op":"create","file":{"audiences":[{"key":"a","where":{"event":{"name":"account","where":"properties.account == 'x' && properties.accounting"}}}]}}`,
		`{"op":"tick"}`,
	} {
		require.NoError(t, router.Command(t.Context(), must(decode[replica.Command](text))), text)
	}
	require.Len(t, log.Records(0), 2)
	require.Len(t, log.Records(1), 2)
}
