// Package network is the compiled conditions of all live audiences: a graph in which each
// distinct condition is one node, whatever number of audiences have it, with the index by
// which data finds the leaves that it can change, and what each event and trait can reach.
//
// It knows no profile and no audience: an audience is an Output, a name for a root. What a
// profile makes of a node is in package state, and how, in package eval.
//
// A Plan is a definition, checked; a Compiler turns it into nodes. What makes a node this
// node and no other is its text, so that two definitions that ask the same share it, and its
// mark, which is the same in every network and so can be stored. A node knows how many use
// it, and goes with the last.
//
// There is a network of users and one of accounts. What a node asks of the other subject is
// in Others, and who asks it in Across. Nodes are made and released with all locks of the
// engine held; counters of misses may be added to at any time.
package network
