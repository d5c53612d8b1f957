package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// visitorsLog has users who are deleted and come again, visitors who become users, and
// messages without an id.
func visitorsLog(lines int) string {
	rng := rand.New(rand.NewPCG(1, 2))
	var log strings.Builder
	for i := range lines {
		user := fmt.Sprintf("u%d", rng.IntN(150))
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * 5 * time.Minute).Format(time.RFC3339)
		id := ""
		if rng.IntN(2) == 0 {
			id = fmt.Sprintf(`"messageId":"m%d",`, i)
		}
		switch n := rng.IntN(100); {
		case n < 3:
			fmt.Fprintf(&log, `{"type":"delete","userId":%q}`+"\n", user)
		case n < 8:
			fmt.Fprintf(&log, `{"type":"identify",%s"userId":%q,"anonymousId":"a%d","traits":{"plan":"p%d"},"timestamp":%q}`+"\n", id, user, rng.IntN(100), rng.IntN(3), at)
		case n < 15:
			fmt.Fprintf(&log, `{"type":"track",%s"anonymousId":"a%d","event":"Order Completed","timestamp":%q}`+"\n", id, rng.IntN(100), at)
		default:
			fmt.Fprintf(&log, `{"type":"track",%s"userId":%q,"event":"Order Completed","timestamp":%q}`+"\n", id, user, at)
		}
	}
	return log.String()
}

const frequent = `{"traits":[{"key":"orders","type":"count","event":"Order Completed"}],"audiences":[
	{"key":"frequent","where":{"event":{"name":"Order Completed","count":{"at_least":3},"window":{"within":"12h"}}}},
	{"key":"paying","where":{"all":[{"event":{"name":"Order Completed","count":{"at_least":2}}},{"trait":"traits.plan != \"p0\""}]}}]}`

// once returns the lines, without those that came before.
func once(lines string) (all []string) {
	had := map[string]bool{}
	for line := range strings.Lines(lines) {
		if !had[line] {
			all = append(all, line)
		}
		had[line] = true
	}
	return all
}

// A replay into a folder that is killed at any moment and goes on ends with what one would
// have ended with that was let alone, and with one in memory: a user who was deleted and has
// come again is not deleted again.
func TestReplayKilled(t *testing.T) {
	definitions, log := file(t, "d.json", frequent), file(t, "log.ndjson", visitorsLog(20_000))
	args := []string{"replay", "-definitions", definitions, "-events", log, "-traits"}
	want := ran("", args...)
	require.Equal(t, statusDone, want.status, want.err)

	args = append(args, "-data", t.TempDir())
	var got strings.Builder
	rng := rand.New(rand.NewPCG(3, 4))
	killed := 0
	for {
		c := command(t, args...)
		out, err := c.StdoutPipe()
		require.NoError(t, err)
		var said bytes.Buffer
		c.Stderr = &said
		require.NoError(t, c.Start())
		lines := bufio.NewReader(out)
		limit := 1000 + rng.IntN(5000)
		if killed == 6 {
			limit = 1 << 30
		}
		for range limit {
			line, err := lines.ReadString('\n')
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			got.WriteString(line)
		}
		if killed < 6 {
			require.NoError(t, c.Process.Kill())
		}
		for { // what it has written before
			line, err := lines.ReadString('\n')
			if err != nil {
				break
			}
			got.WriteString(line)
		}
		err = c.Wait()
		if killed == 6 {
			require.NoError(t, err, said.String())
			require.Contains(t, said.String(), " lines that were taken before\n")
			// The summary has the same members and values in the end.
			_, members, _ := strings.Cut(want.err, "\n\n")
			_, same, _ := strings.Cut(said.String(), "\n\n")
			require.Equal(t, members, same)
			break
		}
		require.Error(t, err)
		killed++
	}
	require.Equal(t, once(want.out), once(got.String()))
}

// What was taken is not taken again, and a log that has grown is taken from where it ended.
func TestReplayIntoAFolder(t *testing.T) {
	const more = `{"type":"track","userId":"zoe","event":"Order Completed","timestamp":"2026-06-01T00:00:00Z"}` + "\n"
	definitions, folder := file(t, "d.json", buyers), t.TempDir()
	path := file(t, "log.ndjson", strings.TrimSuffix(visitorsLog(100), "\n"))
	replay := func(path string, args ...string) result {
		return ran("", append([]string{"replay", "-definitions", definitions, "-events", path, "-data", folder}, args...)...)
	}
	first := replay(path)
	require.Equal(t, statusDone, first.status, first.err)
	require.NotEmpty(t, first.out)
	again := replay(path)
	require.Equal(t, statusDone, again.status, again.err)
	require.Empty(t, again.out)
	require.Contains(t, again.err, "0 messages in ")
	require.Contains(t, again.err, "behind 100 lines that were taken before\n")

	require.NoError(t, os.WriteFile(path, []byte(visitorsLog(100)+"no json\n"+more), 0o644))
	bad := replay(path)
	require.Equal(t, statusFailed, bad.status)
	require.Contains(t, bad.err, ":101: ")
	grown := replay(path, "-skip-bad")
	require.Equal(t, statusDone, grown.status, grown.err)
	require.Contains(t, grown.out, `"profile":"zoe","type":"entered"`)
	require.Contains(t, grown.err, "1 messages in ")

	for _, text := range []string{more, visitorsLog(99) + more + more + more + more} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		other := replay(path)
		require.Equal(t, statusFailed, other.status)
		require.Contains(t, other.err, "the log is another one, or was changed")
	}
	renamed := replay(file(t, "other.ndjson", more))
	require.Equal(t, statusDone, renamed.status, renamed.err)

	s := startServe(t, buyers, "-data", folder)
	status, text := s.do("s3cret", "GET", "/v1/collections/users/profiles/user_id:zoe/traits", "")
	s.Equal(200, status, text)
	inUse := replay(path)
	s.Equal(statusFailed, inUse.status)
	s.Contains(inUse.err, "muster: -data: open store ")
	s.stop()
	s.Equal(statusDone, <-s.status)
}

// Where somebody else is not told of what a store keeps for it there is an end to that: an
// error, and not to wait for ever.
func TestReplayIsInterrupted(t *testing.T) {
	definitions, log := file(t, "d.json", frequent), file(t, "log.ndjson", visitorsLog(20_000))
	ctx, cancel := context.WithCancel(t.Context())
	reads, writes := io.Pipe()
	status := make(chan int, 1)
	args := []string{"replay", "-definitions", definitions, "-events", log, "-data", t.TempDir()}
	go func() {
		status <- run(ctx, args, streams{in: strings.NewReader(""), out: writes, err: io.Discard, now: time.Now})
		_ = writes.Close()
	}()
	_, err := bufio.NewReader(reads).ReadString('\n')
	require.NoError(t, err)
	cancel()
	_, _ = io.Copy(io.Discard, reads)
	require.Equal(t, statusInterrupted, <-status)
	again := ran("", args...)
	require.Equal(t, statusDone, again.status, again.err)
}

var replayed = flag.Int("replayed", 100_000, "how many events BenchmarkReplayIntoAFolder has")

// BenchmarkReplayIntoAFolder is the command as it is, on a log of users with ten events each
// and ten audiences, with what the folder takes in the end.
func BenchmarkReplayIntoAFolder(b *testing.B) {
	dir := b.TempDir()
	log := filepath.Join(dir, "log.ndjson")
	f, err := os.Create(log)
	require.NoError(b, err)
	to := bufio.NewWriterSize(f, 1<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	step := 180 * 24 * time.Hour / time.Duration(*replayed)
	names := []string{"Product Viewed", "Product Viewed", "Product Viewed", "Product Added", "Order Completed"}
	for i := range *replayed {
		fmt.Fprintf(to, `{"type":"track","messageId":"%08x-%012x","userId":"user-%08d","event":%q,"timestamp":%q,"properties":{"product_id":"p%d","category":"c%d","total":%.2f}}`+"\n",
			rng.Uint32(), i, rng.IntN(*replayed/10), names[rng.IntN(len(names))], time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i)*step).Format(time.RFC3339Nano),
			rng.IntN(10_000), rng.IntN(4), float64(rng.IntN(20_000))/100)
	}
	require.NoError(b, to.Flush())
	require.NoError(b, f.Close())
	definitions := filepath.Join(dir, "d.json")
	require.NoError(b, os.WriteFile(definitions, []byte(tenAudiences()), 0o644))
	for round := range b.N {
		b.StopTimer()
		folder := filepath.Join(dir, fmt.Sprint(round))
		from := cpu(b)
		b.StartTimer()
		status := run(context.Background(), []string{"replay", "-quiet", "-definitions", definitions, "-events", log, "-data", folder},
			streams{in: strings.NewReader(""), out: io.Discard, err: os.Stderr, now: time.Now})
		require.Equal(b, statusDone, status)
		b.ReportMetric(float64((cpu(b)-from).Nanoseconds())/float64(*replayed)/1000, "cpu-us/event")
		b.ReportMetric(float64(size(b, folder))/float64(*replayed), "disk-B/event")
	}
	b.ReportMetric(float64(*replayed)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// tenAudiences is a definitions file of a shop.
func tenAudiences() string {
	var all []string
	for i, days := range []int{1, 7, 14, 30, 60} {
		all = append(all,
			fmt.Sprintf(`{"key":"viewed_%d","where":{"event":{"name":"Product Viewed","count":{"at_least":%d},"window":{"within":"%dd"}}}}`, i, i+2, days),
			fmt.Sprintf(`{"key":"ordered_%d","where":{"all":[{"event":{"name":"Order Completed","where":"properties.total > %d","window":{"within":"%dd"}}},{"event":{"name":"Product Added"}}]}}`, i, 20*i, days))
	}
	return `{"audiences":[` + strings.Join(all, ",") + `]}`
}

// cpu returns the processor time that the process has used.
func cpu(tb testing.TB) time.Duration {
	var u syscall.Rusage
	require.NoError(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// size returns the bytes of the files in a folder.
func size(tb testing.TB, folder string) (n int64) {
	entries, err := os.ReadDir(folder)
	require.NoError(tb, err)
	for _, e := range entries {
		is, err := e.Info()
		require.NoError(tb, err)
		n += is.Size()
	}
	return n
}
