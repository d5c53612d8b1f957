package profile_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

var golden = flag.Bool("golden", false, "make the golden export anew: for a new version of the format only")

const goldenExport = "testdata/export-1.muster"

// exported is a store with something of everything.
func exported(tb testing.TB) *profile.MemStore {
	ctx, s, now := context.Background(), profile.NewMemStore(), time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
	object := func(json string) profile.Object {
		o, err := profile.ParseObject([]byte(json))
		require.NoError(tb, err)
		return o
	}
	value, err := profile.NewValue([]any{"x", 1, 20.58})
	require.NoError(tb, err)
	ada, acme := profile.UserRef("ada"), profile.AccountRef("acme")
	for _, c := range []profile.Change{
		&profile.UseKey{Record: profile.KeyRecord{Key: "buyers", Definition: []byte(`{"key":"buyers"}`), Version: 2}},
		&profile.UseKey{Record: profile.KeyRecord{Key: "gone", Since: 1}},
		&profile.SetCursor{Subscriber: "mail", UpTo: 0},
		&profile.Tell{Bodies: [][]byte{[]byte("first"), []byte("second")}},
		&profile.SetCursor{Subscriber: "mail", UpTo: 1},
		&profile.SetRecord{Subscriber: "mail", Record: profile.Record{Key: "k\x00", Value: []byte{0, 1}}},
		&profile.SetPosition{Name: "orders", Offset: "4711"},
		&profile.PutEvent{Event: profile.Event{Profile: "visitor", Name: "Viewed", Time: now.Add(-time.Hour),
			MessageID: "6f1c2a5e-8d3b-4c7f-9a10-0b2d4e6f8a1c", Properties: object(`{"sku": "a", "n": [1, {"x": null}]}`)}, Visitor: true},
		&profile.PutEvent{Event: profile.Event{Profile: "ada", Name: "Bought", Time: now, MessageID: "m1", Account: "acme",
			Properties: object(`{"total": 123456789012345678901234567890}`), Context: object(`{"ip": "::1"}`)}},
		&profile.PutTraits{Ref: ada, Traits: object(`{"plan": "pro", "left": null}`), Time: now, MessageID: "m2"},
		&profile.PutTraits{Ref: ada, Traits: object(`{"plan": "free"}`), Time: now.Add(time.Hour)},
		&profile.PutTraits{Ref: acme, Traits: object(`{"seats": 5}`), Time: now, MessageID: "m3"},
		&profile.PutIDs{Ref: ada, IDs: []profile.ExternalID{{Type: "email", Value: "a@x"}}},
		&profile.Join{User: "ada", Account: "acme", MessageID: "m4"},
		&profile.Merge{From: "visitor", Into: "ada", MessageID: "m5"},
		&profile.SetMember{Membership: profile.Membership{Audience: "buyers", Ref: ada, Since: now}, Member: true},
		&profile.SetValue{Value: profile.ComputedValue{Key: "list", Ref: ada, Value: value, Since: now}},
		&profile.SetWake{Wake: profile.Wake{Ref: ada, At: now.Add(profile.Day), Version: 3, Marks: []uint64{1, 1 << 63}}},
		&profile.PutEvent{Event: profile.Event{Profile: "bob", Name: "Viewed", Time: now, MessageID: "m6"}},
		&profile.Delete{Ref: profile.UserRef("bob")},
	} {
		require.NoError(tb, profile.Apply(ctx, s, now, c))
	}
	return s
}

// An export that was written by this version of the format is read as it was meant, and
// written again as it was.
func TestTheGoldenExportIsReadAndWritten(t *testing.T) {
	var b bytes.Buffer
	x, err := profile.Export(t.Context(), exported(t), &b)
	require.NoError(t, err)
	if *golden {
		require.NoError(t, os.WriteFile(goldenExport, b.Bytes(), 0o644))
	}
	want, err := os.ReadFile(goldenExport)
	require.NoError(t, err)
	require.Equal(t, hex.Dump(want), hex.Dump(b.Bytes()))
	s := profile.NewMemStore()
	y, err := profile.Import(t.Context(), s, bytes.NewReader(want))
	require.NoError(t, err)
	require.Equal(t, x, y)
	c, err := s.Contents(t.Context(), profile.UserRef("visitor"))
	require.NoError(t, err)
	require.Equal(t, profile.UserRef("ada"), c.Ref)
	require.Len(t, c.Messages, 6)
	require.Equal(t, `["x",1,20.58]`, c.Values[0].Value.String())
}

func ExampleExport() {
	ctx, now := context.Background(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	from, to := profile.NewMemStore(), profile.NewMemStore()
	err := profile.Apply(ctx, from, now, &profile.PutEvent{
		Event: profile.Event{Profile: "ada", Name: "Order Completed", Time: now, MessageID: "m1"}})
	var file bytes.Buffer
	if err == nil {
		_, err = profile.Export(ctx, from, &file)
	}
	if err == nil {
		_, err = profile.Import(ctx, to, &file)
	}
	n, _ := to.Count(ctx, profile.User)
	fmt.Println(n, err)
	// Output: 1 <nil>
}

// Whatever comes is read, or an error, and what is read is written as it came.
func FuzzImport(f *testing.F) {
	var b bytes.Buffer
	_, err := profile.Export(f.Context(), exported(f), &b)
	require.NoError(f, err)
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:b.Len()/2])
	b.Reset()
	_, err = profile.Export(f.Context(), profile.NewMemStore(), &b)
	require.NoError(f, err)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		s := profile.NewMemStore()
		if _, err := profile.Import(t.Context(), s, bytes.NewReader(in)); err != nil {
			return
		}
		var again bytes.Buffer
		_, err := profile.Export(t.Context(), s, &again)
		require.NoError(t, err)
	})
}
