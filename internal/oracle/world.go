package oracle

import (
	"maps"
	"reflect"
	"slices"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// world is what a log of operations leaves.
type world struct {
	people    map[string]*person
	accounts  map[string]*person
	mergedTo  map[string]string // an id that is no profile of its own → where its messages go
	audiences map[string]live
	traits    map[string]computed
	deleted   map[profile.Ref]map[string]bool // ids of messages that a deleted profile had, by each of its ids
	frozen    frozen                          // of the model: a log has no instants
}

// person is one profile, of a user or an account: every message that was sent
// for it, each once, in the order of arrival.
type person struct {
	messages []message
	emails   map[string]bool // ids of that type
	accounts map[string]bool // that a user is attached to
	known    bool            // one of the ids came as that of a user; else it is a visitor
	merged   int             // arrival of the last merge of another into it
}

// message is an event, traits or, if neither, a sign of life.
type message struct {
	arrival int
	id      string
	track   *Track
	traits  *Identify
}

// live is an audience that exists.
type live struct {
	definition audience.Definition
	since      int // only what arrived later counts
}

// fold goes through a log from its beginning.
func fold(log []Operation) *world {
	w := &world{
		people:    map[string]*person{},
		accounts:  map[string]*person{},
		mergedTo:  map[string]string{},
		audiences: map[string]live{},
		traits:    map[string]computed{},
		deleted:   map[profile.Ref]map[string]bool{},
	}
	for i, op := range log {
		arrival := i + 1
		switch op := op.(type) {
		case Track:
			w.deliver(op.Event.Profile, op.Sender, message{arrival: arrival, id: op.Event.MessageID, track: &op})
		case Identify:
			w.deliver(op.Profile, op.Sender, message{arrival: arrival, id: op.MessageID, traits: &op})
		case Group:
			if !w.deliver(op.Profile, op.Sender, message{arrival: arrival, id: op.MessageID}) {
				break
			}
			w.people[w.resolve(op.Profile)].accounts[op.Account] = true
			a := profileOf(w.accounts, op.Account)
			if !w.deleted[profile.AccountRef(op.Account)][op.MessageID] {
				traits := &Identify{Traits: op.Traits, Time: op.Time}
				a.messages = append(a.messages, message{arrival: arrival, id: op.MessageID, traits: traits})
			}
		case Merge:
			w.merge(op.From, op.Into, arrival)
			w.addEmail(op.Into, op.email)
		case Delete:
			w.delete(op.Profile)
		case Leave:
			if p := w.people[w.resolve(op.Profile)]; p != nil {
				delete(p.accounts, op.Account)
			}
		case DeleteAccount:
			if a := w.accounts[op.Account]; a != nil {
				w.bury(profile.AccountRef(op.Account), a)
			}
			delete(w.accounts, op.Account)
			for _, p := range w.people {
				delete(p.accounts, op.Account)
			}
		case Create:
			for _, d := range op.Definitions {
				w.audiences[d.Key] = live{d, since(d.NoBackfill, arrival)}
			}
			for _, c := range op.Traits {
				w.traits[c.Key] = computed{c, since(c.NoBackfill, arrival)}
			}
		case Edit:
			w.traits[op.Trait.Key] = computed{op.Trait, since(op.Trait.NoBackfill, arrival)}
		case EditAudience:
			counts := since(op.Definition.NoBackfill, arrival)
			was := w.audiences[op.Definition.Key]
			if was.definition.Paused = op.Definition.Paused; reflect.DeepEqual(was.definition, op.Definition) {
				counts = was.since // it is paused, or resumed, and nothing else
			}
			w.audiences[op.Definition.Key] = live{op.Definition, counts}
		case Drop:
			delete(w.audiences, op.Audience)
		case DropTrait:
			delete(w.traits, op.Trait)
		}
	}
	for _, of := range []map[string]*person{w.people, w.accounts} {
		for _, p := range of {
			p.messages = distinct(p.messages)
		}
	}
	return w
}

// since returns what counts for a definition that is made at an arrival number.
func since(noBackfill bool, arrival int) int {
	if noBackfill {
		return arrival
	}
	return 0
}

// resolve returns the id under which messages for id are kept.
func (w *world) resolve(id string) string {
	for {
		to, merged := w.mergedTo[id]
		if !merged {
			return id
		}
		id = to
	}
}

// profiles returns those of a subject, by id.
func (w *world) profiles(of profile.Subject) map[string]*person {
	if of == profile.Account {
		return w.accounts
	}
	return w.people
}

// refs returns the profiles there are: users, then accounts, each ascending.
func (w *world) refs() []profile.Ref {
	var refs []profile.Ref
	for _, of := range []profile.Subject{profile.User, profile.Account} {
		for _, id := range slices.Sorted(maps.Keys(w.profiles(of))) {
			refs = append(refs, profile.Ref{Subject: of, ID: id})
		}
	}
	return refs
}

// profileOf returns that of an id, made if there is none.
func profileOf(of map[string]*person, id string) *person {
	if of[id] == nil {
		of[id] = &person{accounts: map[string]bool{}, emails: map[string]bool{}}
	}
	return of[id]
}

// deliver gives a user a message, and reports whether it is none that the user
// had: under this id before, or before it was deleted.
func (w *world) deliver(id string, from Sender, m message) bool {
	if w.seen(id, m.id) {
		return false
	}
	p := profileOf(w.people, w.resolve(id))
	p.messages = append(p.messages, m)
	p.known = p.known || !from.Visitor
	w.addEmail(id, from.Email)
	return true
}

// addEmail gives a user an id of type email, if it is any.
func (w *world) addEmail(id, email string) {
	if p := w.people[w.resolve(id)]; p != nil && email != "" {
		p.emails[email] = true
	}
}

// seen reports whether a user, or who had the id before it was deleted, had a
// message.
func (w *world) seen(id, message string) bool {
	if message == "" {
		return false
	}
	if w.deleted[profile.UserRef(id)][message] {
		return true
	}
	p := w.people[w.resolve(id)]
	if p == nil {
		return false
	}
	for _, had := range p.messages {
		if had.id == message {
			return true
		}
	}
	return false
}

// attaches reports whether a message of a user makes an anonymous id one of the
// user's: it is of nobody so far, or of a visitor.
func (w *world) attaches(device, user string) bool {
	if device == "" || device == user || w.resolve(device) != device {
		return false
	}
	p := w.people[device]
	return p == nil || !p.known
}

// bury remembers the messages of a profile that is deleted.
func (w *world) bury(ref profile.Ref, p *person) {
	if w.deleted[ref] == nil {
		w.deleted[ref] = map[string]bool{}
	}
	for _, m := range p.messages {
		if m.id != "" {
			w.deleted[ref][m.id] = true
		}
	}
}

func (w *world) merge(from, into string, arrival int) {
	from, into = w.resolve(from), w.resolve(into)
	if from == into {
		return
	}
	to := profileOf(w.people, into)
	to.known, to.merged = true, arrival
	if p := w.people[from]; p != nil {
		to.messages = append(to.messages, p.messages...)
		slices.SortFunc(to.messages, func(a, b message) int { return a.arrival - b.arrival })
		maps.Copy(to.accounts, p.accounts)
		maps.Copy(to.emails, p.emails)
	}
	delete(w.people, from)
	w.mergedTo[from] = into
}

func (w *world) delete(id string) {
	id = w.resolve(id)
	p := w.people[id]
	if p == nil {
		return
	}
	w.bury(profile.UserRef(id), p)
	delete(w.people, id)
	var aliases []string // collected first: some lead through others
	for alias := range w.mergedTo {
		if w.resolve(alias) == id {
			aliases = append(aliases, alias)
		}
	}
	for _, alias := range aliases {
		w.bury(profile.UserRef(alias), p)
		delete(w.mergedTo, alias)
	}
}

// distinct returns messages without those whose id came before.
func distinct(messages []message) []message {
	var ms []message
	seen := map[string]bool{}
	for _, m := range messages {
		if m.id != "" && seen[m.id] {
			continue
		}
		seen[m.id] = true
		ms = append(ms, m)
	}
	return ms
}
