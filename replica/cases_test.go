package replica_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/replica"
	"github.com/muster-go/muster/replica/logtest"
	"github.com/stretchr/testify/require"
)

// plain returns a cluster of one partition to which nothing happens, with records of
// buyers, who exit after an hour.
func plain(t *testing.T, buys int) *cluster {
	c := newCluster(t, 1, 1)
	c.opts.Blobs, c.opts.ChunkEntries, c.opts.ChunkBytes, c.opts.ChunkRecords = nil, 100, 1<<20, 1
	c.append(0, epoch, []byte(`!{"op":"create","file":{"audiences":[{"key":"buyers","where":{"event":{"name":"Buy","window":{"within":"1h"}}}}]}}`))
	for i := range buys {
		c.append(0, epoch, buy(i))
	}
	return c
}

func buy(i int) []byte {
	return fmt.Appendf(nil, `{"type":"track","event":"Buy","userId":"u%d","messageId":"m%d","timestamp":"2026-03-01T00:00:00Z"}`, i, i)
}

// exact wants that all is told once, and returns the last chunk.
func (c *cluster) exact() replica.Chunk {
	want, got := compared(c.t, c, 0)
	require.Equal(c.t, want, got)
	output := c.log.Output(0)
	return output[len(output)-1]
}

// alarmed starts a worker, and wants the alarm that it gives.
func (c *cluster) alarmed(want error) {
	c.opts.OnAlarm = func(a *replica.Alarm) { c.alarms <- a }
	c.start()
	select {
	case err := <-c.alarms:
		require.ErrorIs(c.t, err, want)
	case <-time.After(time.Minute):
		require.Fail(c.t, "there is no alarm")
	}
	for len(c.workers) > 0 {
		c.stop(0)
	}
}

func TestTimeGoesOnWhereNoRecordsCome(t *testing.T) {
	c := plain(t, 3)
	c.start()
	require.Eventually(t, c.told, time.Minute, time.Millisecond)
	c.log.SetTime(epoch.Add(2 * time.Hour))
	require.Eventually(t, func() bool {
		lines, err := logtest.Lines(c.log.Output(0))
		return err == nil && strings.Count(strings.Join(lines, "\n"), " exited buyers at 2026-03-01T01:00:00Z (time)") == 3
	}, time.Minute, time.Millisecond)
	c.stop(0)
	c.exact()
}

func TestAMessageThatKillsTheEngineIsPassedOver(t *testing.T) {
	c := plain(t, 2)
	c.opts.NoID = func(id string) bool {
		if id == "killer" {
			panic("a bug")
		}
		return false
	}
	c.append(0, epoch, []byte(`{"type":"track","event":"Buy","userId":"killer","messageId":"k","timestamp":"2026-03-01T00:00:00Z"}`))
	c.append(0, epoch, buy(7))
	c.finish()
	last := c.exact()
	require.Equal(t, []uint64{4}, last.Passed)
	records := c.log.Records(0)
	require.Contains(t, string(records[len(records)-1].Body), `"op":"pass_over","record":4,"why":"panic: a bug"`)
	require.Equal(t, []replica.Refusal{{Record: 4, Killed: true, Why: "it kills the engine"}}, refusals(t, c))

	// Who takes over later finds it passed over, without a rule for it beyond the last chunk.
	c.append(0, epoch, buy(8))
	c.finish()
	require.Equal(t, []uint64{4}, c.exact().Passed)
}

func TestARecordThatWasToldOfCannotBePassedOver(t *testing.T) {
	c := plain(t, 2)
	c.finish()
	c.append(0, epoch, must(replica.Command{Op: replica.PassOver, Record: 2}.Body()))
	c.append(0, epoch, buy(5))
	c.finish()
	require.Empty(t, c.exact().Passed)

	// And if it kills the engine of the next owner, that one says so.
	c.opts.NoID = func(id string) bool {
		if id == "u0" {
			panic("a new bug")
		}
		return false
	}
	c.alarmed(replica.ErrDiverged)
}

// refusals returns the dead letters of a partition.
func refusals(t *testing.T, c *cluster) (all []replica.Refusal) {
	r := replica.NewReader(c.log, 0, replica.Cursor{})
	output := c.log.Output(0)
	for r.Cursor().Record < output[len(output)-1].To {
		told, err := r.Next(t.Context())
		require.NoError(t, err)
		all = append(all, told.Refused...)
	}
	return all
}

func TestRefusedMessagesAreRecorded(t *testing.T) {
	c := plain(t, 1)
	c.append(0, epoch, []byte(`!{"op":"create","file":{"traits":[{"key":"buys","type":"count","event":"Buy"}]}}`))
	c.append(0, epoch, []byte(`{"type":"identify","userId":"u1","messageId":"sets","traits":{"buys":1},"timestamp":"2026-03-01T00:00:00Z"}`))
	c.append(0, epoch, []byte(`!{"op":"delete_audience","key":"nobodys"}`))
	c.finish()
	c.exact()
	all := refusals(t, c)
	require.Len(t, all, 2)
	require.Equal(t, uint64(4), all[0].Record)
	require.Equal(t, "sets", all[0].ID)
	require.Contains(t, all[1].Why, "not found")
}

func TestALogThatLosesWhatWasToldIsNotPassedOver(t *testing.T) {
	c := plain(t, 5)
	c.finish()
	c.log.Lose(0, 1)
	c.alarmed(replica.ErrLost)

	// Nor if other records take the place of those that are lost.
	c.append(0, epoch, buy(77))
	c.alarmed(replica.ErrDiverged)
	require.Len(t, c.log.Records(0), 6)
}

func TestALogThatLosesWhatWasReadIsNotPassedOver(t *testing.T) {
	c := plain(t, 5)
	c.opts.ChunkRecords = 1000
	c.opts.OnAlarm = func(a *replica.Alarm) { c.alarms <- a }
	c.append(0, epoch, []byte(`{"type":"track","event":"Other","userId":"u0","timestamp":"2026-03-01T00:00:00Z"}`))
	c.start()
	require.Eventually(t, func() bool {
		output := c.log.Output(0)
		return len(output) > 0 && output[len(output)-1].To >= 6
	}, time.Minute, time.Millisecond)
	c.log.Lose(0, 2)
	select {
	case err := <-c.alarms:
		require.ErrorIs(t, err, replica.ErrLost)
	case <-time.After(time.Minute):
		require.Fail(t, "there is no alarm")
	}
	c.stop(0)
}

func TestOtherRecordsThanWereToldOfAreSeen(t *testing.T) {
	c := plain(t, 5)
	c.finish()
	c.log.Forge(0, 3, buy(99))
	c.alarmed(replica.ErrDiverged)
}

func TestAnEngineThatAnswersOtherwiseIsSeen(t *testing.T) {
	c := plain(t, 5)
	c.finish()
	c.opts.NoID = func(id string) bool { return id == "u3" } // as another version might
	c.alarmed(replica.ErrDiverged)
}

func TestADamagedSnapshotIsPassedOver(t *testing.T) {
	for _, part := range []string{"head", "body", "end"} {
		c := plain(t, 30)
		blobs := &logtest.Blobs{}
		c.opts.Blobs, c.opts.SnapshotEvery = blobs, 10
		c.finish()
		names, err := blobs.List(t.Context(), "")
		require.NoError(t, err)
		require.Len(t, names, 2)
		damage(t, blobs, names[1], part)
		c.append(0, epoch, buy(40))
		c.opts.SnapshotEvery = 1000
		c.start()
		require.ErrorContains(t, <-c.alarms, names[1]) // the harness takes it for one
		require.Eventually(t, c.told, time.Minute, time.Millisecond)
		c.stop(0)
		c.exact()
		require.Equal(t, int64(1), c.read.Load(), "the older one serves")
	}
}

// damage changes one byte of a blob.
func damage(t *testing.T, blobs replica.Blobs, name, part string) {
	in, err := blobs.Get(t.Context(), name)
	require.NoError(t, err)
	body, err := io.ReadAll(in)
	require.NoError(t, err)
	body[map[string]int{"head": 40, "body": len(body) / 2, "end": len(body) - 1}[part]] ^= 1
	require.NoError(t, blobs.Put(t.Context(), name, func(to io.Writer) error {
		_, err := to.Write(body)
		return err
	}))
}

func TestAReaderSeesLossAndRepetition(t *testing.T) {
	c := plain(t, 6)
	c.opts.ChunkEntries = 1
	c.finish()
	chunks := c.log.Output(0)
	for name, test := range map[string]struct {
		order []int
		want  error
	}{
		"all":         {[]int{0, 1, 2, 3}, nil},
		"one missing": {[]int{0, 2}, replica.ErrGap},
		"one twice":   {[]int{0, 1, 1}, replica.ErrRepeated},
		"other order": {[]int{1, 0}, replica.ErrGap},
	} {
		var some []replica.Chunk
		for _, i := range test.order {
			some = append(some, chunks[i])
		}
		r := replica.NewReader(fixed{c.log, some}, 0, replica.Cursor{})
		var err error
		for err == nil {
			_, err = r.Next(t.Context())
		}
		if test.want == nil {
			test.want = errEnd
		}
		require.ErrorIs(t, err, test.want, name)
	}
	// One entry of a chunk is another.
	i := slices.IndexFunc(chunks, func(c replica.Chunk) bool { return c.Count > 0 && strings.Contains(string(c.Entries[0]), "entered") })
	forged := chunks[i]
	forged.Entries = [][]byte{[]byte(strings.Replace(string(forged.Entries[0]), "entered", "exited", 1))}
	from := replica.Cursor{Record: forged.From, Number: forged.First - 1, Output: chunks[i-1].Output}
	_, err := replica.NewReader(fixed{c.log, chunks[i : i+1]}, 0, from).Next(t.Context())
	require.NoError(t, err)
	_, err = replica.NewReader(fixed{c.log, []replica.Chunk{forged}}, 0, from).Next(t.Context())
	require.ErrorIs(t, err, replica.ErrDiverged)
}

var errEnd = errors.New("the end")

// fixed is a log whose output is what a test says.
type fixed struct {
	replica.Log
	chunks []replica.Chunk
}

func (f fixed) Chunks(_ context.Context, _ int, place uint64) ([]replica.Chunk, uint64, error) {
	if place >= uint64(len(f.chunks)) {
		return nil, place, errEnd
	}
	c := f.chunks[place]
	c.Place = place
	return []replica.Chunk{c}, place + 1, nil
}
