package audiencetest

import (
	"encoding/json"
	"fmt"

	"github.com/muster-go/muster/audience"
)

// leaf is a condition without conditions in it.
type leaf struct {
	path      string // as Engine.Explain has it
	condition string
	seen      seen
}

// leavesOf returns the leaves of a definition, in its order.
func leavesOf(d *audience.Definition) []*leaf {
	var leaves []*leaf
	eachLeaf(&d.Where, "where", func(n *audience.Node, path string) {
		text, err := json.Marshal(n)
		if err != nil {
			text = []byte(err.Error())
		}
		leaves = append(leaves, &leaf{path: path, condition: string(text)})
	})
	return leaves
}

// eachLeaf visits the leaves of a condition with their paths.
func eachLeaf(n *audience.Node, path string, visit func(n *audience.Node, path string)) {
	for i := range n.All {
		eachLeaf(&n.All[i], fmt.Sprintf("%s.all[%d]", path, i), visit)
	}
	for i := range n.Any {
		eachLeaf(&n.Any[i], fmt.Sprintf("%s.any[%d]", path, i), visit)
	}
	switch {
	case n.Not != nil:
		eachLeaf(n.Not, path+".not", visit)
	case n.Users != nil:
		if of, field := n.Users.Condition(); of != nil {
			eachLeaf(of, path+".users."+field, visit)
		}
	case n.Event != nil:
		visit(n, path+".event")
	case n.Trait != "":
		visit(n, path+".trait")
	case n.TraitDate != nil:
		visit(n, path+".trait_date")
	case n.Audience != "":
		visit(n, path+".audience")
	case n.Funnel != nil:
		visit(n, path+".funnel")
	case n.Sample != nil:
		visit(n, path+".sample")
	}
}
