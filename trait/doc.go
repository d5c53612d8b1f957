// Package trait defines conditions on the traits of a profile, and traits that
// are computed from its events. The engine of package audience answers and
// computes them.
//
// # Traits
//
// A trait is written by identify calls (of users) and group calls (of
// accounts). The write that counts at an instant is the newest by event time
// among those dated up to it, whatever arrived last; a null removes the trait.
// A write dated in the future takes effect at its own time.
//
// # Conditions
//
// Conditions are CEL expressions over traits, which Where writes for those who
// do not want to, and conditions on dates in traits, which CEL may not read: a
// Date says exactly when it starts and stops to hold. Dates are read as
// profile.ParseTime reads them: RFC 3339, a day alone, Unix seconds or
// milliseconds. Of a yearly Date the day counts in each year, as clocks in a zone
// show it: "whose birthday is tomorrow?" Zones come with the library.
//
// # Computed traits
//
// A Computed defines a trait that is made of events, or a formula of other traits. Its value is
// a function of the data and the instant alone: where several events would do, as the last
// of two at one time, their values decide, in the order of
// profile.Value.Compare. A trait of no event at all is absent. Only where a
// condition or an expression reads it is a count of nothing 0, and there for it:
// traits.orders == 0 and has(traits.orders) are true.
//
//	count              an int
//	sum                an int if all numbers are, or a double beyond int64; with
//	                   any double, a double; absent while beyond the doubles
//	average            a double
//	min, max           a number as it was sent; of 1 and 1.0, 1
//	most_frequent      of those seen equally often the first in sort order
//	first, last        of those at one time the least, the greatest
//	unique_list        a list in sort order, of at most MaxUnique values and
//	                   MaxUniqueBytes: those that sort first
//	unique_list_count  an int; it counts all
//	first_time,        a text, RFC 3339 in UTC with as many digits as it takes: a
//	last_time          date that a Date compares with now
//	unique_days        an int: days with an event, as clocks in Zone show them
//	formula            what its expression makes of traits, of at most MaxValue bytes; a
//	                   timestamp is a text, RFC 3339 in UTC; null is absent
//
// Only numbers count for sum, average, min and max; a text of digits is none, and a
// whole number beyond int64 the nearest double. For the others it keeps its digits.
// Sums and averages are exact in decimal, whatever enters and leaves the window,
// and rounded once, to the nearest double, when they are read: what was written as
// 20.58 is 20.58, so 20.58 + 13.35 + 66.07 is 100. For most_frequent, first, last and the unique ones
// everything counts but null and what is larger than MaxValue; lists and maps are
// values like any other, equal if all in them is. Numbers that are equal are one
// value: a double that is an int64 is reported as the int, in lists and maps too.
//
// An event costs O(log n) at most in the events of the window, a late one as
// well; one in order costs O(1) for count, sum and average. Beside what
// follows, an event whose time or whose window has yet to come takes 56 bytes
// and a copy of its value until it counts.
//
//	                   all time         in a window
//	count              none             8 bytes an event
//	sum, average       24 to 400 bytes  24 bytes an event more
//	min, max           one number       some 32 bytes for each number better
//	                                    than all later ones
//	most_frequent      each distinct    the same, and 16 bytes an event
//	                   value, and 20
//	                   bytes more
//	first              one value        24 bytes an event, and distinct values
//	last               one value        one value
//	unique_list        distinct values, and 20 bytes; in a window 16 more
//	unique_list_count  distinct values, and 14 bytes; in a window 16 more
//	first_time         one time         24 bytes an event
//	last_time          one time         one time
//	unique_days        25 bytes a day   40 bytes a day
//	formula            its value
//
// Bytes are those in use; slices and tables have room to grow beside.
package trait
