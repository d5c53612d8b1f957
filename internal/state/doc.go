// Package state is what the engine has of one profile in memory, and the cache of that: all
// of it follows from the store, and can be forgotten at any time between calls.
//
// A State has a Cell for each node of the network that the profile has anything to do with:
// the verdict that was last given, and for a count the times of the events that can still
// decide it. What computed traits and funnels keep is beside. Kept is what the store has for
// the engine of a profile, enough to go on when the State is forgotten.
//
// The Cache of a shard is the one door to its states. A State and the Cache that has it are
// guarded by the lock of their shard.
package state
