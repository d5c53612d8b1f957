package audiencetest

import "fmt"

// edit is one line of a difference between what is expected and what is found.
type edit[L any] struct {
	kind  editKind
	line  L
	found int // where it is among what is found; of kept and added
}

type editKind uint8

const (
	kept editKind = iota
	missing
	added
)

// text returns the line, marked.
func (e edit[L]) text(write func(L) string) string {
	return [...]string{kept: "  ", missing: "- ", added: "+ "}[e.kind] + write(e.line)
}

// same reports whether nothing differs.
func same[L any](edits []edit[L]) bool {
	for _, e := range edits {
		if e.kind != kept {
			return false
		}
	}
	return true
}

// maxKept is how many lines that are kept are shown before a difference, and
// after it.
const maxKept = 5

// diffText returns the lines of a difference. Of a long run of lines that are
// kept it leaves out the middle.
func diffText[L any](edits []edit[L], write func(L) string) []string {
	var lines []string
	for i := 0; i < len(edits); {
		run := i
		for run < len(edits) && edits[run].kind == kept {
			run++
		}
		if run == i {
			lines = append(lines, edits[i].text(write))
			i++
			continue
		}
		from, to := i+maxKept, run-maxKept
		if i == 0 {
			from = 0 // nothing differs before
		}
		if run == len(edits) {
			to = run
		}
		if to-from < 2 { // a line is as long as what it leaves out
			from, to = run, run
		}
		for _, e := range edits[i:from] {
			lines = append(lines, e.text(write))
		}
		if to > from {
			lines = append(lines, fmt.Sprintf("  (%d lines as expected)", to-from))
		}
		for _, e := range edits[to:run] {
			lines = append(lines, e.text(write))
		}
		i = run
	}
	return lines
}

// diff returns how found differs from want, with as few lines missing and added
// as can be. Of lines that are kept it has those found. It takes the product of
// the numbers of lines between the first that differs and the last.
func diff[L any](want, found []L, meets func(want, found L) bool) []edit[L] {
	short := min(len(want), len(found))
	head, tail := 0, 0
	for head < short && meets(want[head], found[head]) {
		head++
	}
	for tail < short-head && meets(want[len(want)-1-tail], found[len(found)-1-tail]) {
		tail++
	}
	var edits []edit[L]
	keep := func(from, to int) {
		for j := from; j < to; j++ {
			edits = append(edits, edit[L]{kept, found[j], j})
		}
	}
	keep(0, head)
	for _, e := range middle(want[head:len(want)-tail], found[head:len(found)-tail], meets) {
		e.found += head
		edits = append(edits, e)
	}
	keep(len(found)-tail, len(found))
	return edits
}

// middle is diff without looking for what begins and ends both.
func middle[L any](want, found []L, meets func(want, found L) bool) []edit[L] {
	// common[i][j] is how many lines of want[i:] and found[j:] can be kept.
	common := make([][]int, len(want)+1)
	for i := range common {
		common[i] = make([]int, len(found)+1)
	}
	for i := len(want) - 1; i >= 0; i-- {
		for j := len(found) - 1; j >= 0; j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if meets(want[i], found[j]) {
				common[i][j] = 1 + common[i+1][j+1]
			}
		}
	}
	var edits []edit[L]
	i, j := 0, 0
	for i < len(want) || j < len(found) {
		switch {
		case i < len(want) && j < len(found) && meets(want[i], found[j]):
			edits = append(edits, edit[L]{kept, found[j], j})
			i++
			j++
		case i < len(want) && (j == len(found) || common[i+1][j] >= common[i][j+1]):
			edits = append(edits, edit[L]{kind: missing, line: want[i]})
			i++
		default:
			edits = append(edits, edit[L]{added, found[j], j})
			j++
		}
	}
	return edits
}
