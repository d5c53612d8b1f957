// Command takeover kills a worker in the middle of its work, and counts what was told:
//
//	go run ./examples/takeover
//
// It has a broker of its own, which keeps nothing. With -brokers it uses others; their topics
// muster-input and muster-output are to be empty.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/muster-go/muster/replica"
	"github.com/muster-go/muster/replica/internal/takeover"
	"github.com/muster-go/muster/replica/kafka"
	"github.com/twmb/franz-go/pkg/kfake"
)

func main() {
	brokers := flag.String("brokers", "", "`ADDRESSES` of brokers, with commas; empty: one of its own")
	name := flag.String("worker", "", "be the worker of this `NAME`")
	flag.Parse()
	if err := run(context.Background(), *brokers, *name); err != nil {
		fmt.Fprintln(os.Stderr, "takeover:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, brokers, name string) error {
	session := 6 * time.Second
	if brokers == "" {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second))
		if err != nil {
			return err
		}
		defer cluster.Close()
		brokers = strings.Join(cluster.ListenAddrs(), ",")
	}
	log, err := kafka.Open(ctx, kafka.Options{Brokers: strings.Split(brokers, ","), Session: session})
	if err != nil {
		return err
	}
	defer log.Close()
	if name != "" {
		return replica.Run(ctx, log, name, replica.Options{})
	}
	return takeover.Show(ctx, os.Stdout, log, func(name string) *exec.Cmd {
		return exec.CommandContext(ctx, os.Args[0], "-brokers", brokers, "-worker", name)
	})
}
