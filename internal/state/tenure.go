package state

import "github.com/muster-go/muster/internal/horizon"

// A cell of a tenure has since when the membership has held, and until when it did.

// Since returns since when the membership has held without a break, as far as that is known.
func (c *Cell) Since() (at int64, known bool) {
	if len(c.Times) == 0 || c.Times[1] != horizon.Never {
		return 0, false
	}
	return c.Times[0], true
}

// BeginTenure notes since when the membership has held.
func (c *Cell) BeginTenure(at int64) { c.Times = append(c.Times[:0], at, horizon.Never) }

// EndTenure notes that it does not hold from now on.
func (c *Cell) EndTenure(now int64) {
	if _, known := c.Since(); known {
		c.Times[1] = now
	}
}

// ResumeTenure notes that the membership holds again. What has come and gone at one instant
// was no break.
func (c *Cell) ResumeTenure(now int64) {
	if len(c.Times) > 0 && c.Times[1] == now {
		c.Times[1] = horizon.Never
		return
	}
	c.BeginTenure(now)
}

// ForgetTenure forgets since when it has held.
func (c *Cell) ForgetTenure() { c.Times = c.Times[:0] }
