// Package eval moves profiles from what held before to what holds at an instant: incremental
// computation over the network, as in Jane Street's Incremental and its descendants. It
// knows no lock and no engine, and of stores only the Reader. What it needs of profiles other
// than the one at hand it asks by the interface Outside.
//
// A Run stabilizes: data makes leaves stale, a heap by height recomputes them and what
// depends on them, each once, and a node whose verdict is as before or lasts as long is a
// cutoff, which nothing above hears of. Roots, the nodes that something observes, are always
// up to date; a node below answers when it is asked.
//
// # Invariants
//
// At the end of a run, for each profile of it, at its instant t (Check holds 1 to 5):
//
//  1. The cells of a profile are of nodes that exist, in the order of their ids.
//  2. A node is higher than all that it depends on, so nothing is recomputed before what it
//     reads.
//  3. Wake is not after the end of the verdict of any root: whoever fires the timer misses no
//     change. It may be before: then nothing changes when it fires.
//  4. A verdict of a root whose end is after t is right until then, if nothing new arrives.
//  5. The verdict of all, any and not is what their children's verdicts say, where these have
//     not run out.
//  6. A node without a cell is idle: true or false as for a profile without any data.
//  7. What an account has counted of its users, in its cells and in the store, is what others
//     know of these: a user's change is told to its accounts in the same transaction.
package eval
