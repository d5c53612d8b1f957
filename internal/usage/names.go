package usage

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
)

const (
	maxNames = 1024 // of one Names
	// The fields of the first objects of a group are counted, and of one in so many of the
	// others, at random.
	wholly = 256
	oneIn  = 16
)

// Names counts what comes by group, and has the fields of a sample of it counted. It is
// for one goroutine at a time; the fields may be those of several.
type Names struct {
	fields *Fields
	groups Table[Group, Arrived]
}

// Arrived says of what has come of a group when, and until the fields of how many more are
// not counted.
type Arrived struct {
	Last time.Time // the latest time of any
	skip uint32
}

// NewNames returns one that has counted nothing.
func NewNames(fields *Fields) Names {
	return Names{fields: fields, groups: NewTable[Group, Arrived](maxNames)}
}

// Add counts an object of a group, and of a time.
func (n *Names) Add(g Group, at time.Time, o profile.Object) {
	group := n.groups.Get(g)
	if group == nil {
		if len(g.Event) > MaxName {
			return
		}
		g.Event = strings.Clone(g.Event)
		group = n.groups.Insert(g)
	}
	group.Add()
	if of := &group.Value; at.After(of.Last) {
		of.Last = at
	}
	if group.Value.skip > 0 {
		group.Value.skip--
		return
	}
	if n.fields.TryAdd(g, o) && group.Count >= wholly {
		group.Value.skip = rand.Uint32N(2*oneIn - 1) // oneIn-1 on average
	}
}

// Groups returns what was counted.
func (n *Names) Groups() *Table[Group, Arrived] { return &n.groups }
