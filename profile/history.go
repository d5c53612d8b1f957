package profile

import "context"

// HistoryReader is what a Reader may be besides: it reads all events of a user at once, in
// place, where EventNames and Events take an iterator for each name and a copy of each event.
type HistoryReader interface {
	// ReadHistory makes into the history of a user, as it is at the call. The error wraps
	// errors.ErrUnsupported where a store cannot, or where that is too much for one read: then
	// EventNames and Events are to be used.
	ReadHistory(ctx context.Context, user string, into *History) error
}

// HistoryScanner is what a Snapshot may be besides: it reads the histories of many users
// without looking any of them up.
type HistoryScanner interface {
	// ScanHistory calls each with the users of a part, ascending by id, and their histories,
	// which are over when it returns. Each user is of one part of those from 0 to Lanes-1,
	// which the store says. An error ends the scan, and is returned. Parts may be scanned side
	// by side. The error wraps errors.ErrUnsupported, and each was never called, where a store
	// cannot.
	ScanHistory(ctx context.Context, part int, each func(user string, h *History) error) error
}

// History is the events of a user, name after name. It is used again for the next user, and
// by one goroutine: once it is there nothing is allocated for an event. The zero value is one
// without events.
type History struct {
	user   string
	added  addedEvents // of a store that is no MemStore; if there are any, there is no series
	dict   *Dict
	series []series
	kept   []series // memory of the series, where they are copied
	at     *walk    // through the events at hand
	one    walk     // of one name
	some   []walk   // of several: a heap, what comes first on top
	begun  bool     // of several: the event on top was given
	event  Event
}

// walk goes through the events of one name.
type walk struct {
	of     *series
	chunk  int // the next of it
	from   int64
	cursor cursor
}

// begin goes to before the first event of time from or later.
func (w *walk) begin(of *series, from int64) {
	w.of, w.from = of, from
	w.chunk = of.search(from)
	if of.tail.time < from { // nothing is read of those whose events are all before
		w.chunk = of.len()
	}
	w.cursor = cursor{}
}

// next moves to the next event, and reports whether there is one.
func (w *walk) next() bool {
	for {
		for w.cursor.next() {
			if w.cursor.time >= w.from {
				return true
			}
		}
		if w.chunk == w.of.len() {
			return false
		}
		w.cursor = w.of.at(w.chunk).events()
		w.chunk++
	}
}

// before reports whether the event at hand comes before that of another.
func (w *walk) before(x *walk) bool {
	if w.cursor.time != x.cursor.time {
		return w.cursor.time < x.cursor.time
	}
	return w.cursor.seq < x.cursor.seq
}

// set makes h the history of a user's record. shared says that the record does not change.
func (h *History) set(id string, rec *record, dict *Dict, shared bool) {
	h.Reset(id)
	h.dict = dict
	if rec == nil {
		return
	}
	all := rec.series
	if len(all) > 0 && all[0].name.Value() == "" {
		all = all[1:] // trait calls
	}
	if shared {
		h.series = all
		return
	}
	// The chunks behind the headers do not change.
	clear(h.kept)
	h.kept = append(h.kept[:0], all...)
	h.series = h.kept
}

// Len returns the number of names.
func (h *History) Len() int { return len(h.series) + len(h.added.names) }

// Name returns the i-th name, of h.Len, ascending.
func (h *History) Name(i int) string {
	if len(h.added.names) > 0 {
		return h.added.names[i].name
	}
	return h.series[i].name.Value()
}

// Begin goes to before the first event of the i-th name that is of time from, in Unix
// nanoseconds, or later.
func (h *History) Begin(i int, from int64) {
	if len(h.added.names) > 0 {
		h.added.begin(i, from)
		return
	}
	h.at, h.some = &h.one, h.some[:0]
	h.at.begin(&h.series[i], from)
	h.event = Event{Profile: h.user, Name: h.series[i].name.Value()}
}

// BeginAll is Begin for events of any of some names, which come in one order.
func (h *History) BeginAll(names []int, from int64) {
	h.at, h.some, h.begun = nil, h.some[:0], false
	h.event = Event{Profile: h.user}
	for _, i := range names {
		var w walk
		if w.begin(&h.series[i], from); w.next() {
			h.some = append(h.some, w)
		}
	}
	for i := len(h.some)/2 - 1; i >= 0; i-- {
		h.sink(i)
	}
}

// Next moves to the next event, in the order of (time, arrival), and reports whether there
// is one.
func (h *History) Next() bool {
	if len(h.added.names) > 0 {
		return h.added.next()
	}
	if h.at == &h.one {
		return h.one.next()
	}
	if h.begun && !h.some[0].next() {
		last := len(h.some) - 1
		h.some[0] = h.some[last]
		h.some = h.some[:last]
	}
	if h.begun = len(h.some) > 0; !h.begun {
		return false
	}
	h.sink(0)
	h.at = &h.some[0]
	h.event.Name = h.at.of.name.Value()
	return true
}

// sink brings a walk down to its place in the heap.
func (h *History) sink(i int) {
	all := h.some
	for {
		child := 2*i + 1
		if child >= len(all) {
			return
		}
		if child+1 < len(all) && all[child+1].before(&all[child]) {
			child++
		}
		if !all[child].before(&all[i]) {
			return
		}
		all[i], all[child] = all[child], all[i]
		i = child
	}
}

// Event returns the event at hand, without its message id. It is the same memory each time,
// but what its objects point to stays.
func (h *History) Event() *Event {
	if len(h.added.names) > 0 {
		return &h.added.events[h.added.at]
	}
	e, at := &h.event, &h.at.cursor
	e.Time, e.Seq = fromNano(at.time), at.seq
	e.Account, e.Context, e.Properties = "", Object{}, Object{}
	flags := at.body[0]
	_, rest := idOf(at.body)
	if flags&hasAccount != 0 {
		e.Account, rest = cutAccount(rest)
	}
	if flags&hasContext != 0 {
		e.Context, rest = cutContext(rest, h.dict)
	}
	if len(rest) > 0 {
		e.Properties = PackedObject(rest, h.dict)
	}
	return e
}

// ReadHistory implements HistoryReader.
func (r *reader) ReadHistory(ctx context.Context, user string, into *History) error {
	st, err := r.enter(ctx)
	if err != nil {
		return err
	}
	sh, id, rec, err := r.view(st, UserRef(user))
	if err != nil {
		return err
	}
	into.set(id, rec, st.dict, false)
	r.unlock(sh)
	return nil
}

// ScanHistory implements HistoryScanner: what an open snapshot sees does not change.
func (s *memSnapshot) ScanHistory(ctx context.Context, lane int, each func(string, *History) error) error {
	var h History
	block := make([]*record, 0, maxPage)
	for after := (&record{}); ; {
		st, err := s.enter(ctx)
		if err != nil {
			return err
		}
		block = block[:0]
		sh := &st.shards[lane]
		sh.mu.Lock()
		sh.profiles[User].Ascend(after, func(r *record) bool {
			if r != after {
				block = append(block, r)
			}
			return len(block) < maxPage
		})
		sh.mu.Unlock()
		for _, r := range block {
			h.set(r.id, r, st.dict, true)
			if err := each(r.id, &h); err != nil {
				return err
			}
		}
		if len(block) < maxPage {
			return nil
		}
		after = block[len(block)-1]
	}
}
