package profile

import (
	"bytes"
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
	records map[string]*btree.Map[string, []byte] // by subscriber, then key
}

func newOutbox() outbox {
	return outbox{notices: btree.NewMap[uint64, []byte](0), cursors: map[string]uint64{}, records: map[string]*btree.Map[string, []byte]{}}
}

func isOutboxChange(c Change) bool {
	switch c.(type) {
	case *Tell, *SetCursor, *SetRecord:
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
		delete(o.records, c.Subscriber)
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
	records := o.records[c.Subscriber]
	if len(c.Record.Value) == 0 {
		if records != nil {
			records.Delete(c.Record.Key)
		}
		return
	}
	if records == nil {
		records = btree.NewMap[string, []byte](0)
		o.records[strings.Clone(c.Subscriber)] = records
	}
	records.Set(strings.Clone(c.Record.Key), bytes.Clone(c.Record.Value))
}

// freeze makes into a copy for reading.
func (o *outbox) freeze(into *outbox) {
	o.mu.Lock()
	defer o.mu.Unlock()
	into.last, into.bytes = o.last, o.bytes
	into.notices, into.cursors = o.notices.Copy(), maps.Clone(o.cursors)
	into.records = make(map[string]*btree.Map[string, []byte], len(o.records))
	for name, records := range o.records {
		into.records[name] = records.Copy()
	}
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
	return Outbox{o.last, o.notices.Len(), o.bytes, maps.Clone(o.cursors)}, nil
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
		after := ""
		for page := noticesPage; page == noticesPage; {
			st, err := r.enter(ctx)
			if err != nil {
				yield(Record{}, err)
				return
			}
			records := st.outbox.recordsAfter(subscriber, after)
			for _, record := range records {
				if after = record.Key; !yield(record, nil) {
					return
				}
			}
			page = len(records)
		}
	}
}

func (o *outbox) recordsAfter(subscriber, after string) (page []Record) {
	o.mu.Lock()
	defer o.mu.Unlock()
	records := o.records[subscriber]
	if records == nil {
		return nil
	}
	records.Ascend(after, func(key string, value []byte) bool {
		if key != after {
			page = append(page, Record{key, value})
		}
		return len(page) < noticesPage
	})
	return page
}
