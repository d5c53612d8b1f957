package audience

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
func (n *node) identity(name func(*node) string) string {
	switch n.kind {
	case kindBatch:
		return fmt.Sprintf("batch\x00%s\x00%s\x00%s", n.batchOf, n.interval, name(n.latched))
	case kindUsers:
		return fmt.Sprintf("users\x00%s\x00%s", n.quantifier, name(n.others[0]))
	case kindInAccount:
		return "in account\x00" + name(n.others[0])
	case kindAll, kindAny, kindNot:
		names := make([]string, len(n.children))
		for i, c := range n.children {
			names[i] = name(c)
		}
		slices.Sort(names) // the order of conditions does not matter
		return [...]string{"all", "any", "not"}[n.kind] + "\x00" + strings.Join(names, ",")
	}
	text := n.leaf
	for _, r := range n.reads {
		text += fmt.Sprintf("\x00%s=%s", r.name, name(r.node))
	}
	for _, r := range n.ofAccount {
		text += fmt.Sprintf("\x00account %s=%s", r.name, name(r.node))
	}
	return text
}

// setMark sets the mark of a node, those of all that it depends on being set: 64 bits of
// SHA-256, which no two of the nodes that others rely on share but by an accident that
// does not happen.
func (n *node) setMark() {
	sum := sha256.Sum256([]byte(n.of.String() + "\x00" + n.identity(func(m *node) string { return strconv.FormatUint(m.mark, 36) })))
	n.mark = binary.BigEndian.Uint64(sum[:])
}

// differing is the mark of a batch audience's node whose condition differs from it.
func (n *node) differing() uint64 { return ^n.mark }
