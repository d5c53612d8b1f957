//go:build race

package audience_test

// histories is how many random histories a test run plays; under the race
// detector each takes some ten times as long.
const histories = 300
