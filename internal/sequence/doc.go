// Package sequence matches the events of a profile against a funnel, whose
// meaning and cost are in the comment of package funnel.
//
// Compile makes a Matcher of a funnel. A Matcher makes a State for each profile,
// which takes events in any order of arrival and answers for an instant: whether
// the funnel holds, and until when if nothing new arrives.
package sequence
