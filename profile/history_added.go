package profile

import "sort"

// addedEvents is a history that a store has made event by event.
type addedEvents struct {
	names   []namedEvents
	events  []Event // name after name
	at, end int     // the event at hand, and the end of its name
}

// namedEvents are those of one name: up to those of the next.
type namedEvents struct {
	name string
	from int
}

// Reset makes h the history of a user without events.
func (h *History) Reset(user string) {
	h.user, h.series, h.at = user, nil, nil
	h.added.names, h.added.events = h.added.names[:0], h.added.events[:0]
}

// Add adds an event, behind those that there are: events come by name and, of one name, in
// the order of (time, arrival). It is how a store that is no MemStore fills a history; the
// message id is left out.
func (h *History) Add(ev Event) {
	a := &h.added
	if n := len(a.names); n == 0 || a.names[n-1].name != ev.Name {
		a.names = append(a.names, namedEvents{ev.Name, len(a.events)})
	}
	ev.MessageID = ""
	a.events = append(a.events, ev)
}

func (a *addedEvents) begin(i int, from int64) {
	first := a.names[i].from
	a.end = len(a.events)
	if i+1 < len(a.names) {
		a.end = a.names[i+1].from
	}
	all := a.events[first:a.end]
	a.at = first - 1 + sort.Search(len(all), func(i int) bool { return all[i].Time.UnixNano() >= from })
}

func (a *addedEvents) next() bool {
	a.at++
	return a.at < a.end
}
