package audience

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Plan is what Engine.Sync does, or has done, to make the live definitions those of a
// file. It is a plain value.
type Plan struct {
	// Steps are in the order in which they are done: what others read is made before
	// them, and deleted after them.
	Steps []PlanStep `json:"steps"`
	// Kept are the keys of what is live and not in the file, and stays because
	// SyncOptions.Delete is not set: ascending.
	Kept []string `json:"kept,omitempty"`
	// Unchanged is the number of definitions of the file that are live as they are.
	Unchanged int `json:"unchanged"`
}

// PlanStep is what is done to one definition.
type PlanStep struct {
	Action   PlanAction `json:"action"`
	Audience string     `json:"audience,omitempty"` // the key of an audience
	Trait    string     `json:"trait,omitempty"`    // or of a computed trait

	// Differences are those of an edit, in the order of the JSON form's paths.
	Differences []Difference `json:"differences,omitempty"`
	// Broken says why the stored definition cannot be used that an edit mends, or that
	// is deleted; empty: it is live.
	Broken string `json:"broken,omitempty"`
	// Readers are the keys of other live definitions that read the edited one, directly
	// or not, and so may change with it: ascending.
	Readers []string `json:"readers,omitempty"`

	// Count says who enters and exits the audience, if SyncOptions.Count asks for it;
	// nil of a computed trait. Of an audience of accounts it counts accounts.
	Count *PlanCount `json:"count,omitempty"`
}

// PlanCount is how many would be in an audience after all of the plan and are not at its
// instant (Enter), and the other way round (Exit).
type PlanCount struct {
	Enter int `json:"enter"`
	Exit  int `json:"exit"`
	// Unknown says why that cannot be foreseen, in which case both are 0; empty: it can.
	Unknown string `json:"unknown,omitempty"`
}

// PlanAction says what is done to a definition.
type PlanAction uint8

// The actions.
const (
	PlanCreate PlanAction = iota // it is new
	PlanEdit                     // it is live, and differs
	PlanDelete                   // it is live, and not in the file
)

// String returns "create", "edit" or "delete".
func (a PlanAction) String() string {
	switch a {
	case PlanCreate:
		return "create"
	case PlanEdit:
		return "edit"
	case PlanDelete:
		return "delete"
	}
	return fmt.Sprintf("action %d", uint8(a))
}

// MarshalText writes what String returns.
func (a PlanAction) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Difference is one place in which two definitions differ.
type Difference struct {
	Path string          `json:"path"`          // in the JSON form: "where.event.window.within"
	Old  json.RawMessage `json:"old,omitempty"` // what stood there; nil: nothing
	New  json.RawMessage `json:"new,omitempty"` // what stands there now; nil: nothing
}

// matters reports whether members or values depend on the place: it is not for people.
func (d Difference) matters() bool {
	field, _, _ := strings.Cut(d.Path, ".")
	field, _, _ = strings.Cut(field, "[")
	return !slices.Contains([]string{"name", "description", "tags", "owner"}, field)
}

// String returns, say, `where.event.window.within: "30d" → "7d"`.
func (d Difference) String() string {
	switch {
	case d.Old == nil:
		return fmt.Sprintf("%s: + %s", d.Path, d.New)
	case d.New == nil:
		return fmt.Sprintf("%s: - %s", d.Path, d.Old)
	}
	return fmt.Sprintf("%s: %s → %s", d.Path, d.Old, d.New)
}

// Empty reports whether nothing is done.
func (p Plan) Empty() bool { return len(p.Steps) == 0 }

// Summary returns how many definitions are created, edited and deleted: "+2, ~1, -1".
func (p Plan) Summary() string {
	var n [PlanDelete + 1]int
	for _, s := range p.Steps {
		n[s.Action]++
	}
	return fmt.Sprintf("+%d, ~%d, -%d", n[PlanCreate], n[PlanEdit], n[PlanDelete])
}

// String returns the summary and, below it, a line for each step and each difference:
//
//	+1, ~1, -0
//	+ trait "orders"
//	~ audience "loyal": 3 enter, 1 exits
//	    where.event.count.at_least: 5 → 3
func (p Plan) String() string {
	lines := []string{p.Summary()}
	for _, s := range p.Steps {
		lines = append(lines, s.String())
	}
	if len(p.Kept) > 0 {
		lines = append(lines, "kept, though not in the file: "+strings.Join(p.Kept, ", "))
	}
	return strings.Join(lines, "\n")
}

// String returns a line for the step, and one below it for each difference.
func (s PlanStep) String() string {
	var b strings.Builder
	b.WriteString([...]string{"+ ", "~ ", "- "}[s.Action])
	b.WriteString(syncName(s.Audience, s.Trait))
	if s.Count != nil {
		b.WriteString(": " + s.Count.String())
	}
	if s.Broken != "" {
		b.WriteString("\n    it is broken: " + s.Broken)
	}
	for _, d := range s.Differences {
		b.WriteString("\n    " + d.String())
	}
	if len(s.Readers) > 0 {
		b.WriteString("\n    read by " + strings.Join(s.Readers, ", "))
	}
	return b.String()
}

// String returns, say, "3 enter, 1 exits".
func (c PlanCount) String() string {
	if c.Unknown != "" {
		return "who enters and exits cannot be foreseen, as " + c.Unknown
	}
	var said []string
	for _, of := range []struct {
		n         int
		one, many string
	}{{c.Enter, "enters", "enter"}, {c.Exit, "exits", "exit"}} {
		switch {
		case of.n == 1:
			said = append(said, "1 "+of.one)
		case of.n > 1:
			said = append(said, fmt.Sprintf("%d %s", of.n, of.many))
		}
	}
	if len(said) == 0 {
		return "nobody enters or exits"
	}
	return strings.Join(said, ", ")
}

// syncName names a definition as its errors do.
func syncName(audience, trait string) string {
	if trait != "" {
		return fmt.Sprintf("trait %q", trait)
	}
	return fmt.Sprintf("audience %q", audience)
}

// key returns the key of the step's definition.
func (s PlanStep) key() string { return s.Audience + s.Trait }

// step returns the step of a key, nil if there is none.
func (p *Plan) step(key string) *PlanStep {
	if i := slices.IndexFunc(p.Steps, func(s PlanStep) bool { return s.key() == key }); i >= 0 {
		return &p.Steps[i]
	}
	return nil
}
