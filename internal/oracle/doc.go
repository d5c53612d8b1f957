// Package oracle answers, in the simplest code that can, what package audience
// answers fast. Tests hold the engine to it.
//
// A history is a log of Operations and nothing else; the place of an operation
// in the log is its arrival number. Every answer is worked out from the log
// anew: the log is folded into the people, accounts and definitions it leaves
// (fold); a condition is evaluated by counting through the events that a profile
// takes (holds, deeds), a funnel by trying every choice of them (attempt), a
// condition on the users of an account by asking each (quantify), a computed
// trait by going through all its events (samples, valueOf) or, a formula, through the traits
// that it reads (formula). There are no
// indexes, no horizons and no timers. What time alone changes is found by asking
// at every instant at which anything could change (instants).
//
// Members is that answer: who is in an audience at an instant. A Model adds
// what a subscriber must be told: it keeps who was said to be in which
// audience and which values were told, and at every step tells the difference.
// A step is what one operation, or an instant, does to the profiles it reaches.
// Where something is defined of users by their accounts, or the reverse, that is
// every profile (crosses): what is due at the instant of an operation is then
// settled together with it, for whomever it is, and told with its cause.
//
// A batch audience is frozen between the instants at which it is computed. What
// a log leaves does not tell when that was: the Model knows, and keeps who was in
// it then.
//
// The oracle shares the plain data types with the engine and none of its
// evaluation; CEL runs in cel-go's own program over plain maps. It is slow: a
// Model of n operations costs n² and worse, Members of one log n and more, a
// funnel of k steps n to the k.
package oracle
