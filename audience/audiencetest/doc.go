// Package audiencetest tests definitions of audiences and computed traits: with
// scripts that anybody can read, or from Go. README.md teaches both in five
// minutes.
//
//	create audience {"key": "recent_buyers", "where":
//	  {"event": {"name": "Order Completed", "window": {"within": "30d"}}}}
//
//	at day 1 10:00
//	track ann "Order Completed" total=79.9
//	expect ann in recent_buyers
//
//	at day 40
//	expect transitions
//	  ann entered recent_buyers at day 1 10:00 (event)
//	  ann exited recent_buyers at day 31 10:00 (time)
//
// Run and RunText run a script in a Go test, Cover a folder of them, and says
// what they leave untested; New begins the same in Go. Parse and Script.Run are
// for programs: see examples/audtest, which needs no Go at all.
//
// # The model
//
// A script has an engine of its own, on a store without data, whose clock stands
// at the beginning of day 1 and moves only by at and play. When it moves, all
// happens that is due before the new instant, each thing at its own. What is due
// at that very instant waits for the data that the script has then, and is
// settled together with the first of it. An expectation looks at the whole
// instant: it first lets happen what is due, so data after it comes after that.
//
// Data goes in as messages of the Segment spec, through Engine.Apply: the email
// of an identify call is an external id, for example.
//
// An expectation that is not met is a Failure, and the script goes on. A command
// that fails ends it, unless it says so (fails). The transitions that an
// expectation looks at are those since the last one that looked at them, so each
// is looked at once. There is no need to look at all.
//
// # Syntax
//
// A command is a line, and may go on in lines below it that are indented, and in
// those inside of its brackets. A line that begins with #, and what follows a
// word that begins with #, is a comment.
//
//	script  = ["start" DATE] {command}                 DATE is day 1: 2026-01-01 by default
//	command = "at" time
//	        | "track" NAME NAME data                   a user, an event
//	        | ("page" | "screen") NAME [NAME] data     a user, a page
//	        | "identify" NAME data                     a user; the fields are traits
//	        | "group" NAME NAME data                   a user, an account; its traits
//	        | "alias" NAME NAME                        the id that is merged, the one that stays
//	        | "leave" NAME NAME                        a user, an account
//	        | "delete" ("user" | "account" | "audience" | "trait") NAME
//	        | "send" JSON                              a message; without timestamp it is of now
//	        | "play" NAME                              a file of messages, each at its own time
//	        | "create" ["audience" | "trait"] JSON     a definition, or a file of definitions
//	        | "create" "file" NAME
//	        | "edit" ("audience" | "trait") JSON
//	        | "recompute" NAME {"," NAME}              batch audiences
//	        | "on" ("entered" | "exited") NAME ("track" NAME fields | ("error" | "panic") NAME)
//	        | "expect" expected
//	          and behind all but at, on and expect:    ["fails" NAME], a part of the error
//	data    = fields {"at" time | "id" NAME | "for" NAME | "context" JSON}
//	                                                   its time, message id, account
//	fields  = {WORD "=" VALUE} | JSON
//	expected= who ["not"] "in" NAME {"," NAME}
//	        | "members" "of" NAME ":" (who {"," who} | "nobody")
//	        | "preview" "of" JSON ":" (who {"," who} | "nobody")           if it were made now
//	        | ("transitions" | "no" "transitions") ["of" NAME {"," NAME}]
//	              {who ("entered" | "exited") NAME occasion}               a line each
//	        | ("changes" | "no" "changes") ["of" NAME {"," NAME}]
//	              {who NAME VALUE "->" VALUE occasion}                     a line each
//	        | "trait" who NAME "=" VALUE                                   null: there is none
//	        | "ids" NAME JSON                                              type → values
//	        | "explanation" "of" who "in" NAME {line}
//	        | "error" NAME                             that a callback returned, or panicked with
//	who     = NAME | "account" NAME
//	occasion= ["at" time] ["(" CAUSE ")"]              what is left out may be anything
//	time    = "day" NUMBER [CLOCK] [shift] | shift | INSTANT [shift]
//	shift   = ("+" | "-") DURATION                     alone: from now
//
// A NAME is a word, or any text in quotes as in JSON: one with blanks, and one
// that would mean something else. A VALUE is JSON, or a word that is none. CLOCK
// is 10:00, 10:00:30 or with a fraction to the nanosecond, in UTC; INSTANT is RFC
// 3339 or a date; DURATION is as in definitions: 30d, 1h30m, 1ns.
//
// # Limits
//
// Scripts are small: Coverage explains every audience for every profile after
// every call, and a difference between lists costs the product of their lengths.
// On is there to show what callbacks can do; tests of callbacks are written in Go.
package audiencetest
