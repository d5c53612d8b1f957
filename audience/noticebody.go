package audience

import (
	"encoding/json"
	"fmt"

	"github.com/muster-go/muster/internal/noticebody"
	"github.com/muster-go/muster/internal/outbox"
	"github.com/muster-go/muster/profile"
)

// noticeBody is what the store keeps of a notice, as JSON.
type noticeBody struct {
	noticebody.About
	Old   profile.Value `json:"old"`
	New   profile.Value `json:"new"`
	At    int64         `json:"at"`
	Cause Cause         `json:"cause,omitempty"`
	keptEvidence
}

// body returns what the store keeps of a notice.
func (n *notice) body() ([]byte, error) {
	var b noticeBody
	switch ref := n.ref(); {
	case n.ids != nil:
		b = noticeBody{About: noticebody.About{Subject: ref.Subject, Profile: ref.ID}, At: n.ids.At.UnixNano()}
	case n.change != nil:
		c := n.change
		b = noticeBody{About: noticebody.About{Trait: c.Trait, Subject: ref.Subject, Profile: ref.ID}, Old: c.Old, New: c.New, At: c.At.UnixNano(), Cause: c.Cause}
	default:
		t := &n.transition
		b = noticeBody{About: noticebody.About{Audience: t.Audience, Subject: ref.Subject, Profile: ref.ID, Exited: t.Type == Exited}, At: t.At.UnixNano(), Cause: t.Cause, keptEvidence: keepEvidence(t.Evidence)}
	}
	return json.Marshal(b)
}

// decodeNotice returns the notice that the store kept.
func decodeNotice(kept profile.Notice) (told outbox.Told[Notice], err error) {
	n := Notice{ID: kept.ID}
	var b noticeBody
	if err := json.Unmarshal(kept.Body, &b); err != nil {
		return told, fmt.Errorf("notice %d as it is stored: %w", kept.ID, err)
	}
	ref, at := b.Ref(), instant(b.At)
	switch {
	case b.Audience != "":
		t := &Transition{ID: n.ID, Audience: b.Audience, Subject: b.Subject, Profile: b.Profile, Type: typeOf(!b.Exited), At: at, Cause: b.Cause}
		if t.Evidence, err = b.read(); err != nil {
			return told, fmt.Errorf("notice %d as it is stored: %w", kept.ID, err)
		}
		n.Transition = t
	case b.Trait != "":
		n.TraitChange = &TraitChange{ID: n.ID, Trait: b.Trait, Profile: ref, Old: b.Old, New: b.New, At: at, Cause: b.Cause}
	default:
		n.IDChange = &IDChange{ID: n.ID, Profile: ref, At: at}
	}
	return outbox.Told[Notice]{ID: n.ID, At: at, Ref: ref, Notice: n}, nil
}

// String returns the line of what is told.
func (n Notice) String() string {
	switch {
	case n.Transition != nil:
		return n.Transition.String()
	case n.TraitChange != nil:
		return n.TraitChange.String()
	case n.IDChange != nil:
		return n.IDChange.String()
	}
	return "nothing"
}

// putNotices stores what the transaction tells: for nobody, unless somebody has a cursor,
// but for the ids.
func (x *txn) putNotices() error {
	keeps := x.e.outbox.Keeps()
	bodies := x.tell.Bodies[:0]
	for i := range x.notices {
		var body []byte
		if keeps {
			var err error
			if body, err = x.notices[i].body(); err != nil {
				return fmt.Errorf("keep a notice: %w", err)
			}
		}
		bodies = append(bodies, body)
	}
	x.tell = profile.Tell{Bodies: bodies}
	return x.put(&x.tell)
}

// setIDs gives what the transaction tells the ids that the store has given.
func (x *txn) setIDs() {
	for i := range x.notices {
		n, id := &x.notices[i], x.tell.OutFirst+uint64(i)
		switch {
		case n.ids != nil:
			n.ids.ID = id
		case n.change != nil:
			n.change.ID = id
		default:
			n.transition.ID = id
		}
	}
}
