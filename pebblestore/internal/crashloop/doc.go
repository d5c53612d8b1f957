// Package crashloop kills a process that feeds a store, many times, and counts what is
// missing afterwards.
//
// The child (Feed) runs an engine on the store: several goroutines send events and merge
// visitors into users, another creates, edits and deletes audiences, timers fire by the
// wall clock, and a durable subscriber is told of everything, and a destination
// is sent who is in. It writes a line for each call that was acknowledged, for each notice that
// the subscriber was told, and for each message that the destination was sent. The parent
// (Loop.Run) kills it at a random moment, with SIGKILL, looks at the store, and starts it
// again: it goes on from the last acknowledged call of each goroutine, as a sender would.
package crashloop
