package audience_test

import (
	"fmt"
	"github.com/muster-go/muster/audience"
	"testing"
	"time"
)

func TestZZStats(t *testing.T) {
	counts := map[string]int{}
	calls, per := 0, map[int]int{}
	st := time.Now()
	for s := range uint64(1000) {
		h := generate(s)
		calls += len(h.calls)
		n := 0
		runWith(h, 1, func(want, got []audience.Transition) error {
			n += len(want)
			for _, tr := range want {
				counts[tr.Cause.String()+" "+tr.Type.String()]++
			}
			return nil
		})
		per[min(n/10, 12)]++
	}
	fmt.Println(calls, counts, per, time.Since(st))
}
