package profile

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"maps"
	"math"
	"strings"
	"sync"

	"github.com/tidwall/btree"
)

// outbox keeps notices, and who has been told of them.
type outbox struct {
	mu      sync.Mutex // after any shard's
	last    uint64
	notices *btree.Map[uint64, []byte] // by id
	bytes   int64
	cursors map[string]uint64

	positions map[string]Position
	records   *btree.BTreeG[Record] // by subscriber, then key
}

func newOutbox() outbox {
	return outbox{
		notices: btree.NewMap[uint64, []byte](0),
		cursors: map[string]uint64{},
		records: btree.NewBTreeGOptions(func(a, b Record) bool {
			return cmp.Or(strings.Compare(a.Of, b.Of), strings.Compare(a.Key, b.Key)) < 0
		}, btree.Options{NoLocks: true}),
	}
}

func isOutboxChange(c Change) bool {
	switch c.(type) {
	case *Tell, *SetCursor, *SetRecord, *SetPosition:
		return true
	}
	return false
}

// apply makes changes of one transaction.
func (o *outbox) apply(changes []Change) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range changes {
		switch c := c.(type) {
		case *Tell:
			o.tell(c)
		case *SetCursor:
			o.setCursor(c)
		case *SetRecord:
			o.setRecord(c)
		}
	}
	for _, c := range changes { // what is told with a position is told by it
		if c, ok := c.(*SetPosition); ok {
			c.OutTold = o.last
			o.setPosition(c.Name, Position{c.Offset, c.OutTold})
		}
	}
}

func (o *outbox) setPosition(name string, p Position) {
	if p.Offset == "" {
		if delete(o.positions, name); len(o.positions) == 0 {
			o.positions = nil
		}
		return
	}
	if o.positions == nil {
		o.positions = map[string]Position{}
	}
	p.Offset = strings.Clone(p.Offset)
	o.positions[strings.Clone(name)] = p
}

func (o *outbox) tell(c *Tell) {
	c.OutFirst = o.last + 1
	for _, body := range c.Bodies {
		o.last++
		if len(o.cursors) > 0 {
			o.notices.Set(o.last, bytes.Clone(body))
			o.bytes += int64(len(body))
		}
	}
}

func (o *outbox) setCursor(c *SetCursor) {
	if c.Gone {
		delete(o.cursors, c.Subscriber)
		for _, r := range o.recordsAfter(c.Subscriber, "", math.MaxInt) {
			o.records.Delete(r)
		}
	} else {
		o.cursors[strings.Clone(c.Subscriber)] = max(o.cursors[c.Subscriber], min(c.UpTo, o.last))
	}
	least := uint64(math.MaxUint64)
	for _, upTo := range o.cursors {
		least = min(least, upTo)
	}
	for id, body, ok := o.notices.Min(); ok && id <= least; id, body, ok = o.notices.Min() {
		o.notices.Delete(id)
		o.bytes -= int64(len(body))
	}
}

func (o *outbox) setRecord(c *SetRecord) {
	r := Record{c.Subscriber, c.Record.Key, c.Record.Value}
	if len(r.Value) == 0 {
		o.records.Delete(r)
		return
	}
	o.records.Set(Record{strings.Clone(r.Of), strings.Clone(r.Key), bytes.Clone(r.Value)})
}

// freeze makes into a copy for reading.
func (o *outbox) freeze(into *outbox) {
	o.mu.Lock()
	defer o.mu.Unlock()
	into.last, into.bytes = o.last, o.bytes
	into.notices, into.cursors = o.notices.Copy(), maps.Clone(o.cursors)
	into.positions, into.records = maps.Clone(o.positions), o.records.Copy()
}

// Outbox implements Reader.
func (r *reader) Outbox(ctx context.Context) (Outbox, error) {
	st, err := r.enter(ctx)
	if err != nil {
		return Outbox{}, err
	}
	o := &st.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	return Outbox{o.last, o.notices.Len(), o.bytes, maps.Clone(o.cursors), maps.Clone(o.positions)}, nil
}

// noticesPage is how many notices are read under one lock.
const noticesPage = 64

// Notices implements Reader.
func (r *reader) Notices(ctx context.Context, after uint64) iter.Seq2[Notice, error] {
	return func(yield func(Notice, error) bool) {
		for page := noticesPage; page == noticesPage; {
			st, err := r.enter(ctx)
			if err != nil {
				yield(Notice{}, err)
				return
			}
			notices := st.outbox.after(after)
			for _, n := range notices {
				if after = n.ID; !yield(n, nil) {
					return
				}
			}
			page = len(notices)
		}
	}
}

func (o *outbox) after(id uint64) (page []Notice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if id == math.MaxUint64 {
		return nil
	}
	o.notices.Ascend(id+1, func(id uint64, body []byte) bool {
		page = append(page, Notice{id, body})
		return len(page) < noticesPage
	})
	return page
}

// Records implements Reader.
func (r *reader) Records(ctx context.Context, subscriber string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		last := Record{Of: subscriber}
		for page := noticesPage; page == noticesPage; {
			st, err := r.enter(ctx)
			if err != nil {
				yield(Record{}, err)
				return
			}
			records := st.outbox.recordsPage(subscriber, last)
			for _, record := range records {
				if last = record; !yield(record, nil) {
					return
				}
			}
			page = len(records)
		}
	}
}

func (o *outbox) recordsPage(subscriber string, last Record) []Record {
	o.mu.Lock()
	defer o.mu.Unlock()
	if subscriber == "" {
		return o.recordsFrom(last, noticesPage)
	}
	return o.recordsAfter(subscriber, last.Key, noticesPage)
}

// recordsAfter returns records of a subscriber, from the first of a greater key than after.
func (o *outbox) recordsAfter(subscriber, after string, most int) (page []Record) {
	o.records.Ascend(Record{Of: subscriber, Key: after}, func(r Record) bool {
		if r.Of != subscriber {
			return false
		}
		if r.Key != after {
			page = append(page, r)
		}
		return len(page) < most
	})
	return page
}

// recordsFrom returns records of all, from the first that is behind one.
func (o *outbox) recordsFrom(last Record, most int) (page []Record) {
	o.records.Ascend(last, func(r Record) bool {
		if r.Of != last.Of || r.Key != last.Key {
			page = append(page, r)
		}
		return len(page) < most
	})
	return page
}
