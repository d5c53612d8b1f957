package postgres

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/muster-go/muster/replica"
	"github.com/muster-go/muster/replica/logtest"
	"github.com/stretchr/testify/require"
)

var costRecords = flag.Int("records", 1000, "how many records of each partition TestCost has")

var chaosLength = flag.Duration("chaos", 18*time.Second, "how long workers and server are killed")

const partitions = 3

// chaosOn returns workers as processes on a server, which may be killed too. They do as config
// says.
func chaosOn(t *testing.T, pool *pgxpool.Pool, url string, config workerConfig) *logtest.Chaos {
	lease := time.Second
	l, err := Open(t.Context(), pool, partitions, Options{Lease: lease})
	require.NoError(t, err)
	config.URL, config.Partitions, config.Lease = url, partitions, lease
	said := &logtest.Said{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("workers said:\n%s", said.String())
		}
	})
	return &logtest.Chaos{
		Log: l, Lease: lease, Length: *chaosLength, Seed: uint64(time.Now().UnixNano()), Unfenced: config.Unfenced,
		Worker: func(name string, deaf bool) *exec.Cmd {
			config.Name, config.Deaf = name, deaf
			text, err := json.Marshal(config)
			require.NoError(t, err)
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), workerEnv+"="+string(text))
			cmd.Stderr = said
			return cmd
		},
		Owners: func() (map[int]string, error) {
			rows, err := pool.Query(context.Background(), `SELECT partition, split_part(coalesce(owner, ''), '/', 1) FROM muster_output`)
			if err != nil {
				return nil, err
			}
			owners := map[int]string{}
			var n int
			var name string
			_, err = pgx.ForEachRow(rows, []any{&n, &name}, func() error {
				owners[n] = name
				return nil
			})
			return owners, err
		},
		Records: func(partition int) ([]replica.Record, error) {
			rows, err := pool.Query(context.Background(), `SELECT number, at, body FROM muster_records WHERE partition = $1 ORDER BY number`, partition)
			if err != nil {
				return nil, err
			}
			return pgx.CollectRows(rows, pgx.RowToStructByPos[replica.Record])
		},
	}
}

// Workers and the server are killed, stopped and replaced, and all that is told is what one
// engine tells of the same records.
func TestWhateverIsKilledAllIsToldOnce(t *testing.T) {
	s := newServer(t)
	t.Cleanup(func() {
		_ = s.kill() // the folder goes with it
		require.NoError(t, os.RemoveAll(s.dir))
	})
	pool, url := s.database(t)
	c := chaosOn(t, pool, url, workerConfig{})
	c.Outage = func() error {
		if err := s.kill(); err != nil {
			return err
		}
		s.start()
		return nil
	}
	d := c.Run(t)
	require.True(t, d.Exact(), "%v", d)
	require.Greater(t, d.Told, 100)
}

// Without the check of the epoch the same test sees entries that are told twice.
func TestWithoutTheFenceEntriesAreDoubled(t *testing.T) {
	pool, url := database(t)
	c := chaosOn(t, pool, url, workerConfig{Worker: logtest.Worker{Unfenced: true}})
	c.Length = min(c.Length, 8*time.Second)
	c.Faults = []string{"deaf owner"}
	d := c.Run(t)
	require.Positive(t, d.Doubled, "%v", d)
}

// What records cost on workers, and in one engine without a log.
func TestCost(t *testing.T) {
	logtest.Costs(t, *costRecords, func() *logtest.Chaos {
		pool, url := database(t)
		return chaosOn(t, pool, url, workerConfig{Worker: logtest.Worker{Large: true}})
	})
}
