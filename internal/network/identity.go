package network

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// identity returns what makes a node this node and no other, as name names those that
// it depends on.
func (n *Node) identity(name func(*Node) string) string {
	switch n.Kind {
	case KindBatch:
		text := fmt.Sprintf("batch\x00%s\x00%s\x00%s", n.BatchOf, n.Interval, name(n.Latched))
		if n.Paused {
			text += "\x00paused"
		}
		return text
	case KindUsers:
		return fmt.Sprintf("users\x00%s\x00%s", n.Quantifier, name(n.Others[0]))
	case KindInAccount:
		return "in account\x00" + name(n.Others[0])
	case KindAll, KindAny, KindNot:
		names := make([]string, len(n.Children))
		for i, c := range n.Children {
			names[i] = name(c)
		}
		slices.Sort(names) // the order of conditions does not matter
		return [...]string{"all", "any", "not"}[n.Kind] + "\x00" + strings.Join(names, ",")
	}
	text := n.leaf
	for _, r := range n.Reads {
		text += fmt.Sprintf("\x00%s=%s", r.Name, name(r.Node))
	}
	for _, r := range n.OfAccount {
		text += fmt.Sprintf("\x00account %s=%s", r.Name, name(r.Node))
	}
	return text
}

// setMark sets the mark of a node, those of all that it depends on being set: 64 bits of
// SHA-256, which no two of the nodes that others rely on share but by an accident that
// does not happen.
func (n *Node) setMark() {
	sum := sha256.Sum256([]byte(n.Of.String() + "\x00" + n.identity(func(m *Node) string { return strconv.FormatUint(m.Mark, 36) })))
	n.Mark = binary.BigEndian.Uint64(sum[:])
}

// Differing is the mark of a batch audience's node whose condition differs from it.
func (n *Node) Differing() uint64 { return ^n.Mark }
