package audience_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// BenchmarkBacktest is a year in weekly steps of 20,000 users with 10 orders each: of users; of
// accounts of 20 users; of one account that all belong to. The baseline is a replay of the same
// messages into an engine that has the audience.
func BenchmarkBacktest(b *testing.B) {
	const users, orders = 20_000, 10
	ordered := audience.Performed("Order").AtLeast(2).Within(30 * profile.Day)
	ofAccounts := audience.Define("d").OfAccounts().Members(audience.AtLeastUsers(2, ordered))
	for _, of := range []struct {
		name     string
		accounts int
		d        audience.Definition
	}{
		{"users", 0, audience.Define("d").Members(ordered)},
		{"accounts", users / 20, ofAccounts},
		{"one account", 1, ofAccounts},
	} {
		var messages []profile.Message
		for i := range users * orders {
			user := fmt.Sprint("u", i*7919%users)
			at := epoch.Add(time.Duration(i) * 365 * profile.Day / (users * orders))
			messages = append(messages, profile.Message{Type: profile.Track, UserID: user, Name: "Order", Time: at})
			if of.accounts > 0 && i < users {
				messages = append(messages, profile.Message{Type: profile.Group, UserID: user, GroupID: fmt.Sprint("a", i%of.accounts), Time: at})
			}
		}
		replay := func(b *testing.B, defs ...audience.Definition) *audience.Engine {
			e, err := audience.New(context.Background(), profile.NewMemStore(), audience.Options{Clock: audience.NewManualClock(epoch)})
			require.NoError(b, err)
			require.NoError(b, e.Create(context.Background(), defs...))
			_, err = e.Replay(context.Background(), messages...)
			require.NoError(b, err)
			return e
		}
		b.Run(of.name+"/replay", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, replay(b, of.d).Close())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(messages)), "ns/message")
		})
		b.Run(of.name+"/backtest", func(b *testing.B) {
			e := replay(b)
			b.ReportAllocs()
			for b.Loop() {
				_, err := e.Backtest(context.Background(), of.d, epoch, epoch.AddDate(1, 0, 0), 7*profile.Day)
				require.NoError(b, err)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(messages)), "ns/message")
		})
	}
}
