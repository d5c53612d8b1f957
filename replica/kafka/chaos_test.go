package kafka

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/muster-go/muster/replica"
	"github.com/muster-go/muster/replica/logtest"
	"github.com/stretchr/testify/require"
)

var chaosLength = flag.Duration("chaos", 18*time.Second, "how long workers are killed and the broker is stopped")

// broker is a broker as a process.
type broker struct {
	t    *testing.T
	port int
	dir  string
	cmd  *exec.Cmd
	said *said
}

// newBroker starts a broker.
func newBroker(t *testing.T) *broker {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := &broker{t: t, port: free.Addr().(*net.TCPAddr).Port, dir: t.TempDir(), said: &said{}}
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

// said keeps what processes say.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// chaosOn returns workers as processes.
func chaosOn(t *testing.T, b *broker, unfenced bool) *logtest.Chaos {
	opts := Options{Brokers: []string{b.address()}, Partitions: 3, Replicas: 1, Session: session, Leave: 2 * time.Second}
	l, err := Open(t.Context(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	blobs := t.TempDir()
	return &logtest.Chaos{
		Log: l, Lease: session, Length: *chaosLength, Seed: uint64(time.Now().UnixNano()), Unfenced: unfenced,
		Worker: func(name string, deaf bool) *exec.Cmd {
			config, err := json.Marshal(workerConfig{name, blobs, deaf, unfenced, opts})
			require.NoError(t, err)
			return b.process(workerEnv, config)
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
	c := chaosOn(t, b, false)
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
	c := chaosOn(t, newBroker(t), true)
	c.Length = min(c.Length, 8*time.Second)
	c.Faults = []string{"deaf owner"}
	d := c.Run(t)
	require.Positive(t, d.Doubled, "%v", d)
}
