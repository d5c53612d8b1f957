package audience

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
)

// ordered returns creations and edits such that whatever a definition reads is what it is
// to be before the definition is: so no edit can make a circle on the way, and nobody
// enters a new audience to exit it by the next step. Creations that wait for no edit come
// first, so that they are one call.
func (s *syncer) ordered(steps map[string]PlanStep) []PlanStep {
	o := syncOrder{reads: s.finalReads(), steps: steps, places: map[string]syncPlace{}}
	file := make(map[string]int, len(s.keys))
	for i, key := range s.keys {
		file[key] = i
	}
	done := slices.Collect(maps.Values(steps))
	slices.SortFunc(done, func(a, b PlanStep) int {
		p, q := o.place(a.key()), o.place(b.key())
		return cmp.Or(cmp.Compare(p.stage, q.stage), cmp.Compare(p.height, q.height), cmp.Compare(file[a.key()], file[b.key()]))
	})
	return done
}

// finalReads returns, of each definition that is to be live in the end, the keys of
// those that it reads. There is no circle among them: that has been checked.
func (s *syncer) finalReads() map[string][]string {
	final := maps.Clone(s.wanted)
	for key, d := range s.live {
		if s.stays(key) {
			final[key] = d
		}
	}
	return syncReads(final)
}

func syncReads(of map[string]*syncDefinition) map[string][]string {
	reads := make(map[string][]string, len(of))
	for key, d := range of {
		for _, r := range d.reads {
			if other := of[r.name]; other != nil && r.is(other) {
				reads[key] = append(reads[key], r.name)
			}
		}
	}
	return reads
}

// syncOrder finds the places of steps.
type syncOrder struct {
	reads  map[string][]string
	steps  map[string]PlanStep
	places map[string]syncPlace
}

// syncPlace is where a definition comes. Stages with even numbers are of creations, each
// one call, and those with odd numbers of edits, which come by height.
type syncPlace struct{ stage, height int }

func (o *syncOrder) place(key string) syncPlace {
	if p, ok := o.places[key]; ok {
		return p
	}
	var p syncPlace
	for _, other := range o.reads[key] {
		of := o.place(other)
		p.stage, p.height = max(p.stage, of.stage), max(p.height, of.height+1)
	}
	if step, ok := o.steps[key]; ok && p.stage%2 != int(step.Action)%2 {
		p.stage++ // PlanCreate is even, PlanEdit odd
	}
	o.places[key] = p
	return p
}

// deletions returns the steps that delete what is not in the file: what is broken, and
// then what reads others before these.
func (s *syncer) deletions() []PlanStep {
	var broken, live []PlanStep
	for _, key := range slices.Sorted(maps.Keys(s.broken)) {
		if s.wanted[key] == nil {
			broken = append(broken, syncBrokenStep(s.broken[key]))
		}
	}
	o := syncOrder{reads: syncReads(s.live), places: map[string]syncPlace{}}
	for _, key := range slices.Sorted(maps.Keys(s.live)) {
		if s.wanted[key] == nil {
			live = append(live, s.live[key].step(PlanDelete))
		}
	}
	slices.SortStableFunc(live, func(a, b PlanStep) int {
		return cmp.Compare(o.place(b.key()).height, o.place(a.key()).height)
	})
	gone := append(broken, live...)
	if s.opts.Delete {
		return gone
	}
	for _, step := range gone {
		s.plan.Kept = append(s.plan.Kept, step.key())
	}
	slices.Sort(s.plan.Kept)
	return nil
}

// syncBrokenStep returns the step that deletes what is broken. What its text defines
// can be told even where the rest of it cannot be read; else either kind will do.
func syncBrokenStep(b Broken) PlanStep {
	step := PlanStep{Action: PlanDelete, Audience: b.Key, Broken: b.Err.Error()}
	var f struct{ Traits []json.RawMessage }
	if json.Unmarshal(b.Text, &f) == nil && len(f.Traits) == 1 {
		step.Audience, step.Trait = "", b.Key
	}
	return step
}
