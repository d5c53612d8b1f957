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

// Prefix returns what the names may begin with that somebody meant who wrote a prefix with which
// none of them does: the beginning nearest to it, up to the end of a word or as long as the prefix
// is. Case and punctuation are as in Name.
func Prefix(prefix string, names iter.Seq[string]) (nearest string, ok bool) {
	return Name(prefix, func(yield func(string) bool) {
		for name := range names {
			if !eachBeginning(name, len([]rune(prefix)), yield) {
				return
			}
		}
	})
}

// eachBeginning yields the beginnings of a name that end with a word and what is behind it, or have a
// length in runes.
func eachBeginning(name string, length int, yield func(string) bool) bool {
	var before rune
	n := 0
	for i, r := range name {
		isEnd := i > 0 && isLetter(r) && !isLetter(before)
		if (isEnd || n == length) && !yield(name[:i]) {
			return false
		}
		before = r
		n++
	}
	return yield(name)
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// lettersOf returns the letters and digits of a name in lower case.
func lettersOf(name string) []rune {
	letters := make([]rune, 0, len(name))
	for _, r := range name {
		if isLetter(r) {
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
