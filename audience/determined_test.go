package audience_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// toldOf plays a history to an engine of one shard and returns all that is told, with ids,
// and the digest of the state that is left.
func toldOf(h *history, vary *rand.Rand) (told []string, digest string, err error) {
	p, err := newPlayer(h, 1)
	if err != nil {
		return nil, "", err
	}
	defer p.stop()
	listen := func() {
		add := func(id uint64, what fmt.Stringer) {
			p.mu.Lock()
			defer p.mu.Unlock()
			told = append(told, fmt.Sprint(id, " ", what))
		}
		_, _ = p.engine.Subscribe(func(_ context.Context, tr audience.Transition) error { add(tr.ID, tr); return nil })
		_, _ = p.engine.SubscribeTraits(func(_ context.Context, c audience.TraitChange) error { add(c.ID, c); return nil })
		_, _ = p.engine.SubscribeIDs(func(_ context.Context, c audience.IDChange) error { add(c.ID, c); return nil })
	}
	listen()
	for _, c := range h.calls {
		if !p.live.possible(c.do) {
			continue
		}
		if c.failing = 0; vary != nil && vary.IntN(4) == 0 {
			c.reopen = true
			p.cache = []int64{0, 1, 8 * aState}[vary.IntN(3)]
		}
		if c.reopen { // as play does it, to listen from the first on
			c.reopen = false
			if err := p.engine.Close(); err != nil {
				return nil, "", err
			}
			if vary != nil && vary.IntN(3) == 0 {
				if err := p.move(); err != nil {
					return nil, "", err
				}
			}
			if err := p.open(); err != nil {
				return nil, "", err
			}
			listen()
		}
		if _, _, err := p.play(c); err != nil {
			return nil, "", err
		}
	}
	if err := p.engine.Advance(p.ctx, p.end()); err != nil {
		return nil, "", err
	}
	if err := p.engine.Close(); err != nil {
		return nil, "", err
	}
	x, err := profile.Export(p.ctx, p.store, io.Discard)
	return told, fmt.Sprintf("%x", x.Digest), err
}

// With one shard and a clock from the data all that is told is a function of the input, order
// and ids included: whatever the processors, the cache, and however often an engine is closed
// and another goes on, on the same store or on an export of it. So is what is left, where only
// the processors differ. The ids are dense, from 1, over all causes.
func TestWithOneShardWhatIsToldIsAFunctionOfTheInput(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for i := range min(*historiesFlag, 25) {
		seed := *seedFlag + uint64(i)
		runtime.GOMAXPROCS(1)
		want, digest, err := toldOf(generate(seed), nil)
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		for _, line := range want {
			id, _, _ := strings.Cut(line, " ")
			ids[id] = true
		}
		for n := range want {
			if !ids[fmt.Sprint(n+1)] {
				t.Fatalf("seed %d: of %d that are told none has id %d", seed, len(want), n+1)
			}
		}
		for variant := range uint64(3) {
			runtime.GOMAXPROCS(2 + 2*int(variant))
			var vary *rand.Rand
			if variant > 0 {
				vary = rand.New(rand.NewPCG(seed, variant))
			}
			got, other, err := toldOf(generate(seed), vary)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(want, got) {
				n := 0
				for n < min(len(want), len(got)) && want[n] == got[n] {
					n++
				}
				t.Fatalf("seed %d, variant %d, from line %d on:\n%s\nis not\n%s", seed, variant, n, strings.Join(want[n:], "\n"), strings.Join(got[n:], "\n"))
			}
			if variant == 0 && digest != other {
				t.Fatalf("seed %d, variant %d: what is left is not the same", seed, variant)
			}
		}
	}
}
