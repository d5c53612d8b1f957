package csvexport

import (
	"context"
	"iter"

	"github.com/muster-go/muster/profile"
)

const (
	pageSize   = 256 // profiles: enough that handing them on costs nothing
	pagesAhead = 4
)

// pages yields the profiles in their order, read ahead. A page may be read until
// the next one is asked for.
func (s *source) pages(ctx context.Context) iter.Seq2[[]profile.Holder, error] {
	return ahead(ctx, pagesAhead, s.batches)
}

// batches yields the profiles in pages that take turns: the consumer has one,
// pagesAhead wait, and one is filled.
func (s *source) batches(ctx context.Context) iter.Seq2[[]profile.Holder, error] {
	return func(yield func([]profile.Holder, error) bool) {
		var ring [pagesAhead + 2][]profile.Holder
		for i := range ring {
			ring[i] = make([]profile.Holder, 0, pageSize)
		}
		page, turn, n := ring[0], 0, 0
		for h, err := range s.reader.Holders(ctx, s.key, s.subject, "") {
			if err != nil {
				yield(nil, err)
				return
			}
			page = append(page, h)
			if n++; n == s.limit {
				break
			}
			if len(page) < pageSize {
				continue
			}
			if !yield(page, nil) {
				return
			}
			turn = (turn + 1) % len(ring)
			page = ring[turn][:0]
		}
		yield(page, nil)
	}
}

// touch brings the texts of a page into the processor's cache: where idType is not
// empty only the values of that type. They lie all over the memory: who makes a
// line after the other waits for each, in a loop as short as these many come at
// once. The sum of what was read is of no use, but that it has to be read.
func touch(page []profile.Holder, idType string) (sum int) {
	for i := range page {
		if ids := page[i].IDs; len(ids) > 0 {
			sum += len(ids[0].Value)
		}
	}
	for i := range page {
		if idType == "" {
			sum += int(first(page[i].ID))
		}
		for _, id := range page[i].IDs {
			if idType == "" || id.Type == idType {
				sum += int(first(id.Value))
			}
		}
	}
	return sum
}

func first(text string) byte {
	if text == "" {
		return 0
	}
	return text[0]
}
