package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/internal/oracle"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// cdnow is where the log lies when there is one: beside the repository.
const cdnow = "../../../shared/data/cdnow.csv"

const small = `customer_id,date,cds,dollars
00001,1997-01-01,1,11.77
00002,1997-06-30,5,100.01
00002,1997-01-12,1,12.00
00002,1997-01-12,1,12.00
00003,1997-04-01,2,100.00
00004,1997-04-02,2,100.00
`

func TestMembers(t *testing.T) {
	purchases, err := readPurchases(strings.NewReader(small), "small.csv")
	require.NoError(t, err)
	r, err := replay(context.Background(), purchases)
	require.NoError(t, err)
	for key, want := range map[string][]string{
		"recent_buyers": {"00002", "00004"}, // 00003 bought 90 days ago to the instant
		"loyal":         {"00002"},          // two alike on a day are two
		"lapsed":        {"00003"},          // and 00001 did so 180 days ago to the instant
		"big_baskets":   {"00002"},
		"big_spenders":  nil,
	} {
		require.Equal(t, want, members(t, r, key), key)
	}
	// 00001 enters recent_buyers, moves on to lapsed and leaves it on the last
	// day: 4. 00003 gets to lapsed on that day: 3. 00002 has got there before: 3;
	// then leaves it and enters the other three: 4. 00004: 1.
	require.Equal(t, 15, r.transitions)
	customers, sum, err := r.revenue(context.Background())
	require.NoError(t, err)
	require.Equal(t, 4, customers)
	require.InDelta(t, 335.78, sum, 1e-9)
}

func members(t *testing.T, r *replayed, key string) []string {
	t.Helper()
	var ids []string
	for m, err := range r.engine.Members(context.Background(), key) {
		require.NoError(t, err)
		ids = append(ids, m.Ref.ID)
	}
	return ids
}

// TestTheWholeLog compares the engine's answers with simpler ones: the trait
// with sums over the file, the audiences with what the oracle answers from the
// purchases of each customer alone.
func TestTheWholeLog(t *testing.T) {
	log, err := os.ReadFile(cdnow)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("there is no %s", cdnow)
	}
	require.NoError(t, err)
	purchases, err := readPurchases(bytes.NewReader(log), cdnow)
	require.NoError(t, err)
	require.Len(t, purchases, 69_659)
	r, err := replay(context.Background(), purchases)
	require.NoError(t, err)

	revenue := revenueOf(t, log)
	require.Len(t, revenue, 23_570)
	for v, err := range r.engine.Values(context.Background(), "total_revenue") {
		require.NoError(t, err)
		got, ok := v.Value.Float()
		require.True(t, ok)
		require.Equal(t, revenue[v.Ref.ID], got, v.Ref.ID)
	}
	customers, _, err := r.revenue(context.Background())
	require.NoError(t, err)
	require.Len(t, revenue, customers)

	want := map[string][]string{}
	for customer, bought := range byCustomer(purchases) {
		// A model of one customer: the oracle goes through all it knows at
		// every step. That the audiences come last keeps it from asking between.
		model := oracle.NewModel(profile.MinTime)
		for _, m := range bought {
			model.Do(m.Time, oracle.Track{Event: profile.Event{
				Profile: customer, Name: m.Name, Time: m.Time, MessageID: m.MessageID, Properties: m.Properties,
			}})
		}
		model.Do(r.last, oracle.Create{Definitions: audiences(), Traits: []trait.Computed{totalRevenue}})
		for _, key := range model.Audiences() {
			for _, ref := range model.Members(key, r.last) {
				want[key] = append(want[key], ref.ID)
			}
		}
	}
	require.Len(t, want, 5)
	for key := range want {
		slices.Sort(want[key])
		require.NotEmpty(t, want[key], key)
		require.Equal(t, want[key], members(t, r, key), key)
	}
}

// revenueOf returns what each customer spent: the exact sum of the numbers in
// the file, rounded once.
func revenueOf(t *testing.T, log []byte) map[string]float64 {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(log)).ReadAll()
	require.NoError(t, err)
	sums := map[string]*big.Rat{}
	for _, row := range rows[1:] {
		dollars, ok := new(big.Rat).SetString(row[3])
		require.True(t, ok)
		if sums[row[0]] == nil {
			sums[row[0]] = new(big.Rat)
		}
		sums[row[0]].Add(sums[row[0]], dollars)
	}
	revenue := map[string]float64{}
	for customer, sum := range sums {
		revenue[customer], _ = sum.Float64()
	}
	return revenue
}

func byCustomer(purchases []profile.Message) map[string][]profile.Message {
	of := map[string][]profile.Message{}
	for _, m := range purchases {
		of[m.UserID] = append(of[m.UserID], m)
	}
	return of
}

func TestOutput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "small.csv")
	require.NoError(t, os.WriteFile(path, []byte(small), 0o644))
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), []string{path}, &out))
	require.Equal(t, `AUDIENCE       MEMBERS  WHO
big_baskets          1  An order over 100 dollars within 365 days
big_spenders         0  Spent more than 500 dollars, ever
lapsed               1  Bought 90 to 180 days ago, and not since
loyal                1  3 orders or more, ever
recent_buyers        2  Bought in the last 90 days

TRAIT          PROFILES  SUM     WHAT
total_revenue         4  335.78  Dollars spent, ever

As of 1997-06-30, after 6 purchases and 15 transitions: TIME, SPEED events/s.
`, regexp.MustCompile(`: \S+, \d+ events`).ReplaceAllString(out.String(), ": TIME, SPEED events"))
}

func TestArguments(t *testing.T) {
	require.EqualError(t, run(context.Background(), nil, nil), "usage: cdnow FILE.csv")
	require.ErrorIs(t, run(context.Background(), []string{"absent.csv"}, nil), fs.ErrNotExist)
}
