// Package near finds the name that somebody who wrote another one meant.
package near

import (
	"iter"
	"unicode"
)

// maxDistance is the number of edits beyond which two names are not near,
// however long they are.
const maxDistance = 3

// Name returns the name nearest to a word that is none of the names. Names that
// differ in case and punctuation alone are the nearest; otherwise an edit is a
// letter that is missing, too much, another, or swapped with the next, and a
// third of the word may be edited, at most 3 letters. Of names that are equally
// near it is the first in sort order. The work is linear in the length of all
// names.
func Name(word string, names iter.Seq[string]) (nearest string, ok bool) {
	letters := lettersOf(word)
	limit := min((len(letters)-1)/3, maxDistance)
	for name := range names {
		if name == word {
			return "", false
		}
		d := distance(letters, lettersOf(name), limit)
		if d > limit || ok && d == limit && name > nearest {
			continue
		}
		nearest, limit, ok = name, d, true
	}
	return nearest, ok
}

// lettersOf returns the letters and digits of a name in lower case.
func lettersOf(name string) []rune {
	letters := make([]rune, 0, len(name))
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			letters = append(letters, unicode.ToLower(r))
		}
	}
	return letters
}

// distance returns the edits between two words (the optimal string alignment
// distance), or limit+1 where it is more. Cells further than limit from the
// diagonal are more, so they are not visited.
func distance(a, b []rune, limit int) int {
	if len(a) == 0 || len(b) == 0 || max(len(a)-len(b), len(b)-len(a)) > limit {
		return limit + 1
	}
	row := func() []int {
		r := make([]int, len(b)+1)
		for j := range r {
			r[j] = limit + 1
		}
		return r
	}
	before, last, this := row(), row(), row()
	for j := 0; j <= min(limit, len(b)); j++ {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		from, to := max(1, i-limit), min(len(b), i+limit)
		this[from-1] = limit + 1
		if from == 1 && i <= limit {
			this[0] = i
		}
		for j := from; j <= to; j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(last[j-1]+cost, this[j-1]+1)
			if j < i+limit {
				d = min(d, last[j]+1)
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			this[j] = min(d, limit+1)
		}
		before, last, this = last, this, before
	}
	return last[len(b)]
}

// Field is Name among the names of fields.
func Field[V any](word string, fields iter.Seq2[string, V]) (nearest string, ok bool) {
	return Name(word, func(yield func(string) bool) {
		for name := range fields {
			if !yield(name) {
				return
			}
		}
	})
}
