package kafka

import (
	"context"
	"testing"
	"time"

	"github.com/muster-go/muster/replica/logtest"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const session = time.Second

func TestKafkaIsALog(t *testing.T) {
	logtest.Run(t, func(t *testing.T, partitions int) logtest.Fixture {
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(100*time.Millisecond))
		require.NoError(t, err)
		t.Cleanup(c.Close)
		l, err := Open(t.Context(), Options{Brokers: c.ListenAddrs(), Partitions: partitions, Replicas: 1, Session: session})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, l.Close()) })
		return logtest.Fixture{Log: l, Steal: func(int) { expel(t, l) }}
	})
}

// expel has the broker forget all members of the group, who find that out later.
func expel(t *testing.T, l *Log) {
	ctx := context.Background()
	groups, err := l.admin.DescribeGroups(ctx, l.opts.Group)
	require.NoError(t, err)
	for _, m := range groups[l.opts.Group].Members {
		req := kmsg.NewPtrLeaveGroupRequest()
		req.Group = l.opts.Group
		of := kmsg.NewLeaveGroupRequestMember()
		of.MemberID = m.MemberID
		req.Members = append(req.Members, of)
		_, err := req.RequestWith(ctx, l.client)
		require.NoError(t, err)
	}
}

// What the topics are not is said when the log is opened, and not found out later.
func TestTopicsWithoutTheTimeOfTheBrokerAreRefused(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	_, err = kadm.NewClient(client).CreateTopic(t.Context(), 2, 1, nil, "events")
	require.NoError(t, err)
	_, err = Open(t.Context(), Options{Brokers: c.ListenAddrs(), Input: "events", Partitions: 2, Replicas: 1})
	require.ErrorContains(t, err, "message.timestamp.type is CreateTime")
	_, err = Open(t.Context(), Options{Brokers: c.ListenAddrs(), Input: "events", Output: "told", Partitions: 3, Replicas: 1})
	require.ErrorContains(t, err, "has 2 partitions and told has 3")
}
