package destination

import (
	"math"

	"github.com/muster-go/muster/profile"
)

// pairRecord is what is kept of a pair.
type pairRecord struct {
	Has     *toldRecord   `json:"has,omitempty"`     // what the receiver was told
	Waits   *changeRecord `json:"waits,omitempty"`   // what it is to be told
	Refused *changeRecord `json:"refused,omitempty"` // what it did not take
	Exit    *markRecord   `json:"exit,omitempty"`    // an exit that was told lately
}

type markRecord struct {
	At     int64  `json:"at"` // nanoseconds
	Number uint32 `json:"number,omitempty"`
}

type toldRecord struct {
	markRecord
	Doubt bool           `json:"doubt,omitempty"`
	Value *profile.Value `json:"value,omitempty"`
	IDs   []Identity     `json:"ids,omitempty"`
}

type changeRecord struct {
	At    int64          `json:"at"`
	Seq   uint64         `json:"seq,omitempty"`
	In    bool           `json:"in,omitempty"`
	Value *profile.Value `json:"value,omitempty"`
	Look  bool           `json:"look,omitempty"`
}

func keptMark(m mark) markRecord { return markRecord{m.at, m.number} }

func (r markRecord) mark() mark { return mark{r.At, r.Number} }

func keptTold(t told) toldRecord { return toldRecord{keptMark(t.mark), t.doubt, t.value, t.ids} }

func (r *toldRecord) told() told { return told{r.mark(), r.Doubt, r.Value, r.IDs} }

func keptChange(c change) changeRecord {
	return changeRecord{c.at, c.seq, c.to.in, c.to.value, c.look}
}

func (r *changeRecord) change() change {
	return change{at: r.At, seq: r.Seq, to: state{r.In, r.Value}, look: r.Look}
}

// recordOf returns what is to be kept of a pair; nil if nothing is.
func (l *ledger) recordOf(p pair) *pairRecord {
	var r pairRecord
	if t, known := l.get(p); known {
		kept := keptTold(t)
		r.Has = &kept
	}
	if c, waits := l.changes[p]; waits {
		kept := keptChange(c)
		r.Waits = &kept
	}
	if c, refused := l.refused[p.ref()][p.key]; refused {
		kept := keptChange(c)
		r.Refused = &kept
	}
	if m, is := l.exit(p); is {
		kept := keptMark(m)
		r.Exit = &kept
	}
	if r == (pairRecord{}) {
		return nil
	}
	return &r
}

// pair enters what was kept of a pair, but for what has an order among others.
func (l *loading) pair(p pair, r *pairRecord) {
	led := &l.c.ledger
	if r.Has != nil {
		led.set(p, r.Has.told())
	}
	if r.Refused != nil {
		led.refuse(p, r.Refused.change())
	}
	if r.Waits != nil {
		l.waits = append(l.waits, waiting{pair: p, change: r.Waits.change()})
	}
	if r.Exit != nil {
		l.exits = append(l.exits, waiting{pair: p, mark: r.Exit.mark()})
	}
}

// flightRecord is what is kept of a batch that is on its way: what it tells, and what is
// needed if it is refused. Its text is made of that again.
type flightRecord struct {
	Told  []toldOf   `json:"told"`
	Calls []callOf   `json:"calls"`
	Undo  []beforeOf `json:"undo"`
}

// pairOf names a pair.
type pairName struct {
	Key   string      `json:"key"`
	Trait bool        `json:"trait,omitempty"`
	Ref   profile.Ref `json:"ref"`
}

func (l *ledger) nameOf(p pair) pairName {
	k := l.keys[p.key]
	return pairName{k.name, k.trait, p.ref()}
}

func (n pairName) pair(l *ledger) pair { return l.pairOf(key{n.Key, n.Trait}, n.Ref) }

type toldOf struct {
	pairName
	Change changeRecord `json:"change"`
}

type callOf struct {
	pairName
	Mark     markRecord     `json:"mark"`
	In       bool           `json:"in,omitempty"`
	Value    *profile.Value `json:"value,omitempty"`
	Entry    bool           `json:"entry,omitempty"`
	Identity Identity       `json:"identity"`
}

type beforeOf struct {
	pairName
	Has  *toldRecord `json:"has,omitempty"`
	Exit *markRecord `json:"exit,omitempty"`
}

func (l *ledger) flightRecord(f *flight) *flightRecord {
	r := &flightRecord{}
	for _, p := range f.pairs {
		if c, tells := f.told[p]; tells {
			r.Told = append(r.Told, toldOf{l.nameOf(p), keptChange(c)})
		}
	}
	for _, t := range f.calls {
		r.Calls = append(r.Calls, callOf{l.nameOf(t.pair), keptMark(t.mark), t.to.in, t.to.value, t.entry, t.identity})
	}
	for p, b := range f.undo {
		kept := beforeOf{pairName: l.nameOf(p)}
		if b.known {
			has := keptTold(b.told)
			kept.Has = &has
		}
		if b.wasTold {
			exit := keptMark(b.exit)
			kept.Exit = &exit
		}
		r.Undo = append(r.Undo, kept)
	}
	return r
}

// flight returns the batch that was kept. Its text is put together when it is sent.
func (r *flightRecord) flight(l *ledger) *flight {
	f := &flight{told: map[pair]change{}, undo: map[pair]before{}, ids: math.MaxUint64, kept: true}
	for _, t := range r.Told {
		p := t.pair(l)
		f.pairs = append(f.pairs, p)
		f.told[p] = t.Change.change()
	}
	for _, t := range r.Calls {
		p := t.pair(l)
		f.calls = append(f.calls, call{p, l.keys[p.key], t.Mark.mark(), state{t.In, t.Value}, t.Entry, t.Identity})
	}
	for _, u := range r.Undo {
		b := before{known: u.Has != nil, wasTold: u.Exit != nil}
		if b.known {
			b.told = u.Has.told()
		}
		if b.wasTold {
			b.exit = u.Exit.mark()
		}
		f.undo[u.pair(l)] = b
	}
	return f
}
