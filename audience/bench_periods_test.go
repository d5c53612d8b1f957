package audience_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// BenchmarkFifteenOfThirtyDays is what an event costs a count leaf, a leaf of 15 of the last 30
// days and one of 15 different days, and an engine without any: of users who come every hour,
// every day, and so seldom that it is open from event to event whether they come on 15 of 30
// days. Each user's events are a day's or less apart, so the four take turns of one each.
func BenchmarkFifteenOfThirtyDays(b *testing.B) {
	ctx := context.Background()
	month := 30 * profile.Day
	conditions := map[string]audience.Condition{
		"none":      audience.Performed("Nobody Sends"),
		"count":     audience.Performed("Login").AtLeast(15).Within(month),
		"regularly": audience.Performed("Login").InPeriods(15, 30, profile.Day),
		"distinct":  audience.Performed("Login").AtLeast(15).OnDays("Europe/Berlin").Within(month),
	}
	for _, rhythm := range []struct {
		name  string
		every time.Duration
	}{{"hourly", time.Hour}, {"daily", profile.Day}, {"seldom", 45 * time.Hour}} {
		b.Run(rhythm.name, func(b *testing.B) {
			const users = 64
			rng := rand.New(rand.NewPCG(1, 1))
			engines, clocks := map[string]*audience.Engine{}, map[string]*audience.ManualClock{}
			for name, condition := range conditions {
				engines[name], clocks[name] = benchEngine(b, 1, audience.Define("regulars").Members(condition))
			}
			took := map[string]time.Duration{}
			at, n := benchStart, 0
			round := func(took map[string]time.Duration) {
				at = at.Add(time.Duration(1 + rng.Int64N(2*int64(rhythm.every)/users)))
				ev := profile.Event{Profile: fmt.Sprint("u", n%users), Name: "Login", Time: at}
				n++
				for name, e := range engines {
					clocks[name].Set(at)
					begun := time.Now()
					if err := e.Track(ctx, ev); err != nil {
						b.Fatal(err)
					}
					took[name] += time.Since(begun)
				}
			}
			for range 60 * users { // until windows are full
				round(map[string]time.Duration{})
			}
			for b.Loop() {
				round(took)
			}
			for name, d := range took {
				b.ReportMetric(float64(d)/float64(b.N), name+"-ns/event")
			}
			b.ReportMetric(0, "ns/op") // of a turn of all, which says nothing
		})
	}
}
