// Command duckdb puts four questions to the history of some users, to DuckDB and to Muster
// in one run, over the same events, and prints how long each took. Both must give the same
// answers: a difference is an error.
//
//	go run . [-events 3000000] [-users 0] [-runs 5] [-cpuprofile FILE]
//
// DuckDB keeps the events as a table of columns in memory, in the order of their times, and
// works with two threads. Muster has them in a MemStore, and is asked in both of its ways:
// Preview, which answers and keeps nothing, and Create, which makes the audience, keeps up to
// when each answer holds, and tells who entered. The data is made from a seed, ten events a
// user unless -users says how many there are.
//
// It is a module of its own, so that the engine needs neither DuckDB nor cgo.
package main
