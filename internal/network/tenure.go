package network

import "fmt"

// Tenure is a condition on how long a membership has held without a break: at least Min, and
// less than Max, in nanoseconds; Max 0: however long.
type Tenure struct{ Min, Max int64 }

// Holds reports whether it holds of a membership of an age.
func (t Tenure) Holds(age int64) bool { return age >= t.Min && (t.Max == 0 || age < t.Max) }

func (n *Node) setTenure(t Tenure) {
	n.Tenure = t
	n.leaf = fmt.Sprintf("tenure\x00%d-%d", t.Min, t.Max)
}

// Member returns the node of the membership that a node of KindTenure is about, and the key of
// its audience.
func (n *Node) Member() (member *Node, key string) { return n.Reads[0].Node, n.Reads[0].Name }
