package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/muster-go/muster/profile"
)

func TestPurchasesAreInTheOrderOfDates(t *testing.T) {
	purchases, err := readPurchases(strings.NewReader(small), "small.csv")
	require.NoError(t, err)
	var got []string
	for _, m := range purchases {
		got = append(got, m.Time.Format(time.DateOnly)+" "+m.UserID+" "+m.MessageID+" "+m.Properties.String())
	}
	require.Equal(t, []string{
		`1997-01-01 00001 cdnow-2 {"cds":1,"total":11.77}`,
		`1997-01-12 00002 cdnow-4 {"cds":1,"total":12.0}`,
		`1997-01-12 00002 cdnow-5 {"cds":1,"total":12.0}`,
		`1997-04-01 00003 cdnow-6 {"cds":2,"total":100.0}`,
		`1997-04-02 00004 cdnow-7 {"cds":2,"total":100.0}`,
		`1997-06-30 00002 cdnow-3 {"cds":5,"total":100.01}`,
	}, got)
	require.Equal(t, profile.Track, purchases[0].Type)
	require.Equal(t, "Order Completed", purchases[0].Name)
}

func TestBadRows(t *testing.T) {
	for _, test := range []struct{ rows, want string }{
		{"00001,1997-13-01,1,11.77", `x.csv:2: date "1997-13-01", want one such as 1997-01-31`},
		{"00001,1997-01-01,1,11.77\n\n00001,1997-01-01,one,11.77", `x.csv:4: cds "one", want a number of CDs`},
		{"00001,1997-01-01,-1,11.77", `x.csv:2: cds "-1", want a number of CDs`},
		{"00001,1997-01-01,1,$11", `x.csv:2: dollars "$11", want an amount`},
		{"00001,1997-01-01,1,-11", `x.csv:2: dollars "-11", want an amount`},
		{"00001,1997-01-01,1", `x.csv:2: wrong number of fields`},
		{"00001,1997-01-01,1,\"11", `x.csv:2: extraneous or missing " in quoted-field`},
		{"", "x.csv: no purchases"},
	} {
		_, err := readPurchases(strings.NewReader(header+"\n"+test.rows), "x.csv")
		require.EqualError(t, err, test.want, test.rows)
	}
	for _, rows := range []string{"00001,1997-01-01,1,NaN", "00001,1997-01-01,1,Inf", ",1997-01-01,1,1", "00001,1801-01-01,1,1"} {
		_, err := readPurchases(strings.NewReader(header+"\n"+rows), "x.csv")
		require.ErrorContains(t, err, "x.csv:2: ", rows)
	}
}

func TestBadHeader(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "x.csv: no header",
		"id,date,cds,dollars\n":     `x.csv:1: the header is "id,date,cds,dollars", want "customer_id,date,cds,dollars"`,
		"00001,1997-01-01,1,11.77":  `x.csv:1: the header is "00001,1997-01-01,1,11.77", want "customer_id,date,cds,dollars"`,
		"customer_id,date,cds,\"do": `x.csv:1: extraneous or missing " in quoted-field`,
	} {
		_, err := readPurchases(strings.NewReader(text), "x.csv")
		require.EqualError(t, err, want)
	}
}
