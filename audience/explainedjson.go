package audience

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/muster-go/muster/profile"
)

// An explanation has one form in JSON, for people and for the store: that of its fields. The
// store keeps what that leaves out beside it.

// explained has the fields of an Explained, and none of its methods.
type explained Explained

// MarshalJSON writes one object without what does not apply to the node.
func (n Explained) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		explained
		Of       string      `json:"of,omitempty"` // these two take the place of the fields, at the end
		Children []Explained `json:"children,omitempty"`
	}{explained(n), n.Of.ID, n.Children})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (n *Explained) UnmarshalJSON(data []byte) error {
	var read struct {
		explained
		Of json.RawMessage `json:"of"`
	}
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	*n = Explained(read.explained)
	switch {
	case len(read.Of) == 0:
		return nil
	case read.Of[0] == '{': // stores once kept it whole
		return json.Unmarshal(read.Of, &n.Of)
	}
	return json.Unmarshal(read.Of, &n.Of.ID)
}

// MarshalJSON writes the step and the time.
func (m Matched) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Step string    `json:"step"`
		Time time.Time `json:"time"`
	}{m.Step, m.Time})
}

// keptEvidence is an explanation as the store keeps it.
type keptEvidence struct {
	Evidence *Explained `json:"evidence,omitempty"`
	Unsaid   []uint64   `json:"unsaid,omitempty"` // what its JSON form leaves out, node after node
}

func keepEvidence(x *Explained) keptEvidence {
	k := keptEvidence{Evidence: x}
	if x != nil {
		x.eachUnsaid(func(is *uint64) { k.Unsaid = append(k.Unsaid, *is) })
	}
	return k
}

// read returns what was kept. Where nothing is kept besides, the form was one that has all.
func (k keptEvidence) read() (*Explained, error) {
	if k.Evidence == nil || len(k.Unsaid) == 0 {
		return k.Evidence, nil
	}
	missing := 0
	k.Evidence.eachUnsaid(func(is *uint64) {
		if len(k.Unsaid) == 0 {
			missing++
			return
		}
		*is, k.Unsaid = k.Unsaid[0], k.Unsaid[1:]
	})
	if missing > 0 || len(k.Unsaid) > 0 {
		return nil, fmt.Errorf("%w: evidence that lacks %d, and has %d too many", profile.ErrInvalid, missing, len(k.Unsaid))
	}
	return k.Evidence, nil
}

// eachUnsaid calls do with all that the JSON form of a node, and of those below it, leaves out.
func (n *Explained) eachUnsaid(do func(*uint64)) {
	if n.Of.ID != "" {
		subject := uint64(n.Of.Subject)
		do(&subject)
		n.Of.Subject = profile.Subject(subject)
	}
	for i := range n.Funnel {
		do(&n.Funnel[i].Seq)
	}
	for i := range n.Children {
		n.Children[i].eachUnsaid(do)
	}
}
