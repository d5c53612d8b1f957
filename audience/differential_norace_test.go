//go:build !race

package audience_test

// histories is how many random histories a test run plays.
const histories = 1_600
