// Package trait answers conditions on the traits of a profile.
//
// A trait is written by identify calls (of users) and group calls (of
// accounts). The write that counts at an instant is the newest by event time
// among those dated up to it, whatever arrived last; a null removes the trait.
// A write dated in the future takes effect at its own time. A Set holds what is
// present at one instant and says until when.
//
// Conditions are CEL expressions over traits, for which this package needs
// nothing, and dates in traits relative to now, which CEL may not read: a
// Date says exactly when it starts and stops to hold.
package trait
