package kafka

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/muster-go/muster/replica"
	"github.com/muster-go/muster/replica/logtest"
	"github.com/stretchr/testify/require"
)

var costRecords = flag.Int("records", 1000, "how many records of each partition TestCost has")

var chaosLength = flag.Duration("chaos", 18*time.Second, "how long workers are killed and the broker is stopped")

// broker is a broker as a process.
type broker struct {
	t    *testing.T
	port int
	dir  string
	cmd  *exec.Cmd
	said *logtest.Said
}

// newBroker starts a broker.
func newBroker(t *testing.T) *broker {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := &broker{t: t, port: free.Addr().(*net.TCPAddr).Port, dir: t.TempDir(), said: &logtest.Said{}}
	require.NoError(t, free.Close())
	b.start()
	t.Cleanup(func() {
		require.NoError(t, b.kill())
		if t.Failed() {
			t.Logf("processes said:\n%s", b.said.String())
		}
	})
	return b
}

func (b *broker) start() {
	config, err := json.Marshal(brokerConfig{b.port, b.dir})
	require.NoError(b.t, err)
	b.cmd = b.process(brokerEnv, config)
	require.NoError(b.t, b.cmd.Start())
	require.Eventually(b.t, func() bool {
		conn, err := net.Dial("tcp", b.address())
		return err == nil && conn.Close() == nil
	}, time.Minute, 10*time.Millisecond)
}

func (b *broker) kill() error {
	err := b.cmd.Process.Kill()
	_ = b.cmd.Wait() // it was killed, and says so
	return err
}

func (b *broker) address() string { return fmt.Sprintf("127.0.0.1:%d", b.port) }

// process returns the test binary as something else.
func (b *broker) process(env string, config []byte) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), env+"="+string(config))
	cmd.Stderr = b.said
	return cmd
}

// chaosOn returns workers as processes, which do as config says.
func chaosOn(t *testing.T, b *broker, config workerConfig) *logtest.Chaos {
	opts := Options{Brokers: []string{b.address()}, Partitions: 3, Replicas: 1, Session: session, Leave: 2 * time.Second}
	l, err := Open(t.Context(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	config.Options, config.Blobs = opts, t.TempDir()
	return &logtest.Chaos{
		Log: l, Lease: session, Length: *chaosLength, Seed: uint64(time.Now().UnixNano()), Unfenced: config.Unfenced,
		Worker: func(name string, deaf bool) *exec.Cmd {
			config.Name, config.Deaf = name, deaf
			text, err := json.Marshal(config)
			require.NoError(t, err)
			return b.process(workerEnv, text)
		},
		Owners:  l.owners,
		Records: l.records,
	}
}

// owners returns which worker has which partition.
func (l *Log) owners() (map[int]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	groups, err := l.admin.DescribeGroups(ctx, l.opts.Group)
	if err != nil {
		return nil, err
	}
	owners := map[int]string{}
	for _, m := range groups[l.opts.Group].Members {
		if assigned, ok := m.Assigned.AsConsumer(); ok {
			for _, topic := range assigned.Topics {
				for _, n := range topic.Partitions {
					owners[int(n)] = m.ClientID
				}
			}
		}
	}
	return owners, nil
}

// records returns the input of a partition.
func (l *Log) records(n int) (all []replica.Record, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p := l.newPartition(n)
	defer p.close()
	end, err := p.End(ctx)
	for uint64(len(all)) < end && err == nil {
		var some []replica.Record
		some, err = p.Read(ctx, uint64(len(all)), 10_000)
		all = append(all, some...)
	}
	return all, err
}

// Workers are killed, stopped and replaced, the broker is stopped, and all that is told is what
// one engine tells of the same records. The broker is not killed: kfake, unlike Kafka, does not end
// the transactions that were open when it was, so that nobody reads beyond them.
func TestWhateverIsKilledAllIsToldOnce(t *testing.T) {
	b := newBroker(t)
	c := chaosOn(t, b, workerConfig{})
	c.Outage = func() error {
		if err := b.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		time.Sleep(2 * session)
		return b.cmd.Process.Signal(syscall.SIGCONT)
	}
	d := c.Run(t)
	require.True(t, d.Exact(), "%v", d)
	require.Greater(t, d.Told, 100)
}

// Without transactions the same test sees entries that are told twice.
func TestWithoutTheFenceEntriesAreDoubled(t *testing.T) {
	c := chaosOn(t, newBroker(t), workerConfig{Worker: logtest.Worker{Unfenced: true}})
	c.Length = min(c.Length, 8*time.Second)
	c.Faults = []string{"deaf owner"}
	d := c.Run(t)
	require.Positive(t, d.Doubled, "%v", d)
}

// What records cost on workers, and in one engine without a log.
func TestCost(t *testing.T) {
	logtest.Costs(t, *costRecords, func() *logtest.Chaos {
		return chaosOn(t, newBroker(t), workerConfig{Worker: logtest.Worker{Large: true}})
	})
}
