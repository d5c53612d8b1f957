package profile

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseTimeReadsWhatSendersWrite(t *testing.T) {
	noon := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		in   string // JSON
		want time.Time
	}{
		{`"2024-03-01T12:00:00Z"`, noon},
		{`"2024-03-01T12:00:00.123456789Z"`, noon.Add(123456789)},
		{`"2024-03-01T13:30:00+01:30"`, noon},
		{`"2024-03-01T13:30:00.5+0130"`, noon.Add(5e8)},
		{`"2024-03-01T12:00:00"`, noon},
		{`"2024-03-01T12:00:00.25"`, noon.Add(25e7)},
		{`"2024-03-01 12:00:00"`, noon},
		{`"2024-03-01 12:00:00.001"`, noon.Add(1e6)},
		{`"2024-03-01 07:00:00-05:00"`, noon},
		{`"2024-03-01"`, noon.Add(-12 * time.Hour)},
		{`"1900-01-01"`, MinTime},
		{`1709294400`, noon},
		{`1709294400.25`, noon.Add(25e7)},
		{`1709294400.123`, noon.Add(123 * time.Millisecond)},
		{`1709294400123`, noon.Add(123 * time.Millisecond)},
		{`1709294400123.5`, noon.Add(123500 * time.Microsecond)},
		{`-2208988800`, MinTime},
		{`-2208988801`, time.UnixMilli(-2208988801)},
		{`7258118399`, MaxTime.Add(-time.Second)},
		{`7258118400`, time.UnixMilli(7258118400)},
		{`7258118399999`, MaxTime.Add(-time.Millisecond)},
		{`1`, time.Unix(1, 0)},
		{`"2024-03-01T12:00Z"`, noon},
		{`"2024-03-01 12:00"`, noon},
		{`"2024-03-01T14:00+02"`, noon},
		{`"2024-03-01 12:00:00+00"`, noon},
		{`"2024-03-01 12:00:00.5+00"`, noon.Add(5e8)},
		{`"2024-03-01 12:00:00 UTC"`, noon},
		{`"2024-03-01 12:00:00.123456 UTC"`, noon.Add(123456 * time.Microsecond)},
		{`"2024-03-01 12:00:00 +0000 UTC"`, noon},
		{`"2024-03-01 13:00:00 +0100"`, noon},
		{`"2024-03-01 13:00:00 +01:00"`, noon},
		{`"2024-03-01T12:00:00GMT"`, noon},
		{`"2024-03-01t12:00:00z"`, noon},
		{`"2024-03-01T12:00:00,5Z"`, noon.Add(5e8)},
		{`" 2024-03-01T12:00:00Z\n"`, noon},
		{`"20240301T120000Z"`, noon},
		{`"20240301T1200Z"`, noon},
		{`"20240301"`, noon.Add(-12 * time.Hour)},
		{`"Fri, 01 Mar 2024 12:00:00 GMT"`, noon},
		{`"Fri, 01 Mar 2024 13:00:00 +0100"`, noon},
		{`"1709294400"`, noon},
		{`"1709294400.25"`, noon.Add(25e7)},
		{`"1709294400123"`, noon.Add(123 * time.Millisecond)},
		{`"1709294400123456"`, noon.Add(123456 * time.Microsecond)},
		{`"1709294400123456789"`, noon.Add(123456789)},
		{`1709294400123456`, noon.Add(123456 * time.Microsecond)},
		{`1709294400123456789`, noon.Add(123456789)},
		{`1709294400123456.0`, noon.Add(123456 * time.Microsecond)},
		{`-86400000001`, time.UnixMilli(-86400000001)},
	} {
		got, ok := ParseTime(parse(t, c.in))
		require.True(t, ok, c.in)
		require.Equal(t, c.want.UTC(), got, c.in)
	}
}

func TestParseTimeRefuses(t *testing.T) {
	for _, in := range []string{
		`null`, `true`, `[]`, `{}`, `""`, `" "`, `"now"`, `"12:00"`, `"2024"`, `"2024-02-30"`, `"2024-13-01"`, `"2024-03-01T25:00:00Z"`,
		`"2024-03-01T12:00:00Zzz"`, `"2024-03-01T"`, `"2024-03-01T12"`, `"0001-01-01T00:00:00Z"`, `"1899-12-31T23:59:59Z"`, `"0000-00-00"`,
		`"2200-01-01"`, `0`, `0.0`, `-0.0`, `"0"`, `"0.0"`, `"12345"`, `"1709294400x"`, `"1,709,294,400"`, `"20240332"`,
		`7258118400000000000`, `9223372036854775807`, `-9223372036854775808`, `1e300`, `-1e300`, `"99999999999999999999999"`,
	} {
		got, ok := ParseTime(parse(t, in))
		require.False(t, ok, "%s: %s", in, got)
		require.Zero(t, got)
	}
	_, ok := ParseTime(FloatValue(math.MaxFloat64))
	require.False(t, ok)
}
