// Package outbox tells what was committed. Callbacks are called at once, on the goroutine
// of whoever comes first, in the order of a queue; durable subscribers from where they were,
// each on a goroutine of its own, out of what the store keeps for them.
//
// Both wait until what they tell stays, whatever becomes of the process, and run without
// any lock: a callback may do what it likes, also fail, panic, or end its goroutine. The
// package knows stores, but neither the engine nor what a notice says.
package outbox
