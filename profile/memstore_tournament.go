package profile

import "math"

// tournament merges the ascending keys of all shards. It is a tree of losers:
// each inner node has the shard that lost there, so that after a change of the
// winner's key only its way up is played again.
//
// Keys are compared by 8 bytes first. As ids often begin alike, the bytes that
// all keys at hand have in common are skipped.
type tournament struct {
	runs   [shardCount]run
	heads  [shardCount]uint64 // prefix of the next key of each; of none the greatest
	losers [shardCount]uint8  // at 0 the winner

	skip  int
	least string // every key at hand is greater
	most  string // no key that was read is greater
}

// run is the keys that were read of a shard.
type run struct {
	keys     []string // none: the shard has no more
	prefixes []uint64 // of the keys, after skip
	at       int      // the next one
}

// turn tells the keys that were read of a shard after those it had: none if it
// has no more.
func (t *tournament) turn(i int, keys []string) {
	r := &t.runs[i]
	r.keys, r.at = keys, 0
	if n := len(keys); n > 0 {
		t.most = max(t.most, keys[n-1])
	}
	if skip := common(t.least, t.most); skip != t.skip {
		t.skip = skip
		for k := range t.runs {
			t.prepare(k)
		}
		return
	}
	t.prepare(i)
}

// prepare takes the prefixes of a shard's keys.
func (t *tournament) prepare(i int) {
	r := &t.runs[i]
	r.prefixes = r.prefixes[:0]
	for k, key := range r.keys {
		var p uint64
		if k >= r.at {
			p = prefix(key[t.skip:])
		}
		r.prefixes = append(r.prefixes, p)
	}
	t.heads[i] = math.MaxUint64
	if r.at < len(r.keys) {
		t.heads[i] = r.prefixes[r.at]
	}
}

// begin plays all matches, after each shard's first turn.
func (t *tournament) begin() { t.losers[0] = t.play(1) }

// play plays the matches below a node, and returns the winner.
func (t *tournament) play(node int) uint8 {
	if node >= shardCount {
		return uint8(node - shardCount)
	}
	a, b := t.play(2*node), t.play(2*node+1)
	if t.less(b, a) {
		a, b = b, a
	}
	t.losers[node] = b
	return a
}

// winner returns the shard with the least key, and the place of the key among
// those read; false if no shard has a key.
func (t *tournament) winner() (shard, at int, ok bool) {
	w := t.losers[0]
	r := &t.runs[w]
	return int(w), r.at, len(r.keys) > 0
}

// advance moves the winner on to its next key; it reports false if it has none.
func (t *tournament) advance() bool {
	w := t.losers[0]
	r := &t.runs[w]
	if r.at++; r.at == len(r.keys) {
		t.least = r.keys[r.at-1]
		return false
	}
	t.heads[w] = r.prefixes[r.at]
	t.replay()
	return true
}

// replay plays the matches on the winner's way after its key has changed.
func (t *tournament) replay() {
	w := t.losers[0]
	p := t.heads[w]
	for node := (int(w) + shardCount) / 2; node > 0; node /= 2 {
		l := t.losers[node]
		if q := t.heads[l]; q < p || q == p && t.less(l, w) {
			t.losers[node], w, p = w, l, q
		}
	}
	t.losers[0] = w
}

func (t *tournament) less(a, b uint8) bool {
	if t.heads[a] != t.heads[b] {
		return t.heads[a] < t.heads[b]
	}
	x, y := &t.runs[a], &t.runs[b]
	return len(x.keys) > 0 && (len(y.keys) == 0 || x.keys[x.at] < y.keys[y.at])
}

// prefix returns the first 8 bytes of a key as a number that compares as they do.
func prefix(key string) uint64 {
	if len(key) >= 8 {
		return uint64(key[7]) | uint64(key[6])<<8 | uint64(key[5])<<16 | uint64(key[4])<<24 |
			uint64(key[3])<<32 | uint64(key[2])<<40 | uint64(key[1])<<48 | uint64(key[0])<<56
	}
	var p uint64
	for i := range 8 {
		p <<= 8
		if i < len(key) {
			p |= uint64(key[i])
		}
	}
	return p
}

// common returns the length of what two texts begin with.
func common(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
