package profile

import "context"

// HistoryReader is what a Reader may be besides: it reads all events of a user at once, in
// place, where EventNames and Events take an iterator for each name and a copy of each event.
type HistoryReader interface {
	// ReadHistory makes into the history of a user, as it is at the call. The error wraps
	// errors.ErrUnsupported where a store cannot: then EventNames and Events are to be used.
	ReadHistory(ctx context.Context, user string, into *History) error
}

// HistoryScanner is what a Snapshot may be besides: it reads the histories of many users
// without looking any of them up.
type HistoryScanner interface {
	// ScanHistory calls each with the users of a lane, ascending by id, and their histories,
	// which are over when it returns. An error ends the scan, and is returned. Lanes may be
	// scanned side by side. The error wraps errors.ErrUnsupported, and each was never called,
	// where a store cannot.
	ScanHistory(ctx context.Context, lane int, each func(user string, h *History) error) error
}

// History is the events of a user, name after name. It is used again for the next user, and
// by one goroutine: once it is there nothing is allocated for an event. The zero value is one
// without events.
type History struct {
	user   string
	dict   *Dict
	series []series
	kept   []series // memory of the series, where they are copied
	at     *series  // the one at hand
	chunk  int      // the next of it
	from   int64
	cursor cursor
	event  Event
}

// set makes h the history of a user's record. shared says that the record does not change.
func (h *History) set(id string, rec *record, dict *Dict, shared bool) {
	h.user, h.dict, h.series = id, dict, nil
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
func (h *History) Len() int { return len(h.series) }

// Name returns the i-th name, of h.Len, ascending.
func (h *History) Name(i int) string { return h.series[i].name.Value() }

// Begin goes to before the first event of the i-th name that is of time from, in Unix
// nanoseconds, or later.
func (h *History) Begin(i int, from int64) {
	h.at, h.from = &h.series[i], from
	h.chunk = h.at.search(from)
	if h.at.tail.time < from { // nothing is read of those whose events are all before
		h.chunk = h.at.len()
	}
	h.cursor = cursor{}
	h.event = Event{Profile: h.user, Name: h.at.name.Value()}
}

// Next moves to the next event of the name, in the order of (time, arrival), and reports
// whether there is one.
func (h *History) Next() bool {
	for {
		for h.cursor.next() {
			if h.cursor.time >= h.from {
				return true
			}
		}
		if h.chunk == h.at.len() {
			return false
		}
		h.cursor = h.at.at(h.chunk).events()
		h.chunk++
	}
}

// Event returns the event at hand, without its message id. It is the same memory each time,
// but what its objects point to stays.
func (h *History) Event() *Event {
	e := &h.event
	e.Time, e.Seq = fromNano(h.cursor.time), h.cursor.seq
	e.Account, e.Context, e.Properties = "", Object{}, Object{}
	flags := h.cursor.body[0]
	_, rest := idOf(h.cursor.body)
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
