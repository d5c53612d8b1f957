package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/muster-go/muster/replica"
	"github.com/muster-go/muster/replica/logtest"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What the test binary is when it is started as another process: a worker (a workerConfig in
// JSON), or a broker (a brokerConfig).
const (
	workerEnv = "MUSTER_TEST_WORKER"
	brokerEnv = "MUSTER_TEST_BROKER"
)

type workerConfig struct {
	logtest.Worker
	Blobs   string
	Options Options
}

type brokerConfig struct {
	Port int
	Dir  string
}

func TestMain(m *testing.M) {
	var err error
	switch {
	case os.Getenv(workerEnv) != "":
		err = work(os.Getenv(workerEnv))
	case os.Getenv(brokerEnv) != "":
		err = serve(os.Getenv(brokerEnv))
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve is the whole program of a broker, which keeps all that it acknowledges.
func serve(text string) error {
	var c brokerConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(c.Port), kfake.DataDir(c.Dir), kfake.SyncWrites(),
		kfake.GroupMinSessionTimeout(100*time.Millisecond))
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	defer cluster.Close()
	select {} // until it is killed
}

// work is the whole program of a worker.
func work(text string) error {
	var c workerConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	l, err := Open(ctx, c.Options)
	for ; err != nil && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) { // the broker may be away
		l, err = Open(ctx, c.Options)
	}
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	defer l.Close()
	return c.Run(ctx, l, replica.Folder(c.Blobs), l.appendUnfenced)
}

// appendUnfenced produces a chunk without a transaction.
func (l *Log) appendUnfenced(ctx context.Context, n int, c *replica.Chunk) error {
	body, err := c.Encode()
	if err != nil {
		return err
	}
	return l.client.ProduceSync(ctx, &kgo.Record{Topic: l.opts.Output, Partition: int32(n), Value: body}).FirstErr()
}
