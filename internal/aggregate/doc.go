// Package aggregate keeps the values of computed traits up to date, event by
// event. What they are, and what each type keeps, is said in package trait.
package aggregate
