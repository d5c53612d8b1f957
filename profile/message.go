package profile

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MessageType is the kind of a Segment-spec call.
type MessageType uint8

// The calls. The zero MessageType is none of them.
const (
	Track MessageType = iota + 1
	Page
	Screen
	Identify
	Group
	Alias
)

var messageTypes = [...]string{Track: "track", Page: "page", Screen: "screen", Identify: "identify", Group: "group", Alias: "alias"}

// String returns the type as messages have it: "track".
func (t MessageType) String() string {
	if t == 0 || int(t) >= len(messageTypes) {
		return "invalid"
	}
	return messageTypes[t]
}

// The names of the events that page and screen calls are.
const (
	PageViewed   = "Page Viewed"
	ScreenViewed = "Screen Viewed"
)

// Message is one call of the Segment spec
// (https://segment.com/docs/connections/spec): what a user did, what is known
// about a user or an account, or that two ids are one user.
type Message struct {
	Type        MessageType
	UserID      string // of an alias: the id that stays
	AnonymousID string
	PreviousID  string // of an alias: the id that is merged into UserID
	GroupID     string // of a group call: the account; of others: the account it was sent for (context.groupId), if any
	MessageID   string // empty: never a duplicate
	Time        time.Time
	Name        string // of an event (track, page, screen): what was done
	Properties  Object // of an event; name and category of a page or screen are among them
	Traits      Object // of identify: the user's; of group: the account's
	Context     Object
	Without     IDSource // where no ids are looked for; zero: they are looked for everywhere
}

// IDSource is a place in a message where ids of its user are told besides its own
// fields, or a set of such places.
type IDSource uint8

// The places.
const (
	DeviceIDs IDSource = 1 << iota // context.device
	Emails                         // email in the traits of identify and in context.traits
	Phones                         // phone, there
)

// Profile returns the id of the user the message is about: the user id or,
// without one, the anonymous id.
func (m *Message) Profile() string {
	if m.UserID != "" {
		return m.UserID
	}
	return m.AnonymousID
}

// IsEvent reports whether the message is an event: a track, page or screen call.
func (m *Message) IsEvent() bool {
	return m.Type == Track || m.Type == Page || m.Type == Screen
}

// IDs returns the external ids that the message tells of its user, each once:
// user_id and anonymous_id; email and phone from the traits of identify and from
// context.traits; those of context.device; and the entries {"type", "id",
// "collection"} of context.externalIds, except those of a collection other than
// "users". Entries without a type or an id are passed over, as are those whose id is
// none (NoID), and all of a place that is among Message.Without.
//
// A device is told of under the names that Segment gives its ids: "ios.id" (the
// device's id), "ios.idfa" (advertisingId) and "ios.push_token" (token) where its type
// is "iOS", and likewise for every other type, in lower case. Without a type it is
// passed over.
func (m *Message) IDs() []ExternalID {
	ids := make([]ExternalID, 0, 2)
	ids = appendID(ids, "user_id", m.UserID)
	ids = appendID(ids, "anonymous_id", m.AnonymousID)
	return m.appendTold(ids)
}

// appendTold appends the ids that are told beside the message's own.
func (m *Message) appendTold(ids []ExternalID) []ExternalID {
	if m.Type == Identify {
		ids = m.appendContacts(ids, m.Traits)
	}
	v, _ := m.Context.Get("traits")
	traits, _ := v.Object()
	ids = m.appendContacts(ids, traits)
	ids = m.appendDevice(ids)
	external, _ := m.Context.Get("externalIds")
	for item := range external.Items() {
		entry, _ := item.Object()
		if c := textOf(entry, "collection"); c == "" || c == "users" {
			ids = appendTold(ids, textOf(entry, "type"), textOf(entry, "id"))
		}
	}
	return ids
}

func (m *Message) appendContacts(ids []ExternalID, traits Object) []ExternalID {
	if m.Without&Emails == 0 {
		ids = appendTold(ids, "email", textOf(traits, "email"))
	}
	if m.Without&Phones == 0 {
		ids = appendTold(ids, "phone", textOf(traits, "phone"))
	}
	return ids
}

func (m *Message) appendDevice(ids []ExternalID) []ExternalID {
	v, _ := m.Context.Get("device")
	device, _ := v.Object()
	typ := strings.ToLower(textOf(device, "type"))
	if typ == "" || m.Without&DeviceIDs != 0 {
		return ids
	}
	ids = appendTold(ids, typ+".id", textOf(device, "id"))
	ids = appendTold(ids, typ+".idfa", textOf(device, "advertisingId"))
	return appendTold(ids, typ+".push_token", textOf(device, "token"))
}

func appendTold(ids []ExternalID, typ, value string) []ExternalID {
	if NoID(value) {
		return ids
	}
	return appendID(ids, typ, value)
}

func appendID(ids []ExternalID, typ, value string) []ExternalID {
	id := ExternalID{typ, value}
	if typ == "" || value == "" || slices.Contains(ids, id) {
		return ids
	}
	return append(ids, id)
}

// WithoutNoIDs returns the message without those of its ids (user, anonymous,
// previous and group) that are none, as isNone says; nil: NoID. What is left may
// not be valid.
func (m Message) WithoutNoIDs(isNone func(id string) bool) Message {
	if isNone == nil {
		isNone = NoID
	}
	for _, id := range [...]*string{&m.UserID, &m.AnonymousID, &m.PreviousID, &m.GroupID} {
		if *id != "" && isNone(*id) {
			*id = ""
		}
	}
	return m
}

// textOf returns the text of an id in o: a string, or a whole number in decimal.
// It is empty if there is none.
func textOf(o Object, key string) string {
	v, _ := o.Get(key)
	return textOfID(v)
}

func textOfID(v Value) string {
	switch v.kind {
	case String:
		return string(v.data)
	case Int:
		return v.String()
	case Float:
		// A float64 from 2^63 to 1e21 may have been written in digits.
		if f := math.Abs(math.Float64frombits(v.num)); v.data != nil || f >= 1<<63 && f < 1e21 {
			return string(v.digits())
		}
		return idOfNumber([]byte(strconv.FormatFloat(math.Float64frombits(v.num), 'e', -1, 64)))
	}
	return ""
}

// Validate returns an error wrapping ErrInvalid, ErrTooLarge or ErrTime for a
// message that cannot be used: of no type, without an id, an event without a name,
// a group call without its group, an alias without both ids. The zero time is that
// at which it is taken. What ParseMessage returns is valid.
func (m *Message) Validate() error {
	if m.Type == 0 || int(m.Type) >= len(messageTypes) {
		return fmt.Errorf("%w: message type %d", ErrInvalid, m.Type)
	}
	if m.Profile() == "" {
		return fmt.Errorf("%w: neither userId nor anonymousId", ErrInvalid)
	}
	for _, err := range [...]error{
		checkRequired(m.Type == Alias, "userId", m.UserID),
		checkRequired(m.Type == Alias, "previousId", m.PreviousID),
		checkRequired(m.Type == Group, "groupId", m.GroupID),
		checkRequired(m.IsEvent(), "event name", m.Name),
		checkOptional("anonymousId", m.AnonymousID),
		checkOptional("messageId", m.MessageID),
		m.Properties.checkSize("properties"),
		m.Traits.checkSize("traits"),
		m.Context.checkSize("context"),
		m.checkTime(),
	} {
		if err != nil {
			return err
		}
	}
	for _, id := range m.appendTold(nil) {
		if err := CheckID("external id type", id.Type); err != nil {
			return err
		}
		if err := CheckID("external id", id.Value); err != nil {
			return err
		}
	}
	return nil
}

func (m *Message) checkTime() error {
	if m.Time.IsZero() {
		return nil
	}
	return CheckTime(m.Time)
}

func checkRequired(required bool, what, id string) error {
	if required {
		return CheckID(what, id)
	}
	return checkOptional(what, id)
}
