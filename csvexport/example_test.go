package csvexport_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/csvexport"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// exampleStore returns the store of an engine that two customers bought from.
func exampleStore() profile.Store {
	ctx, clock := context.Background(), audience.NewManualClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	store := profile.NewMemStore()
	engine, err := audience.New(ctx, store, audience.Options{Clock: clock})
	if err != nil {
		log.Fatal(err)
	}
	err = errors.Join(
		engine.Create(ctx, audience.Define("buyers").Members(audience.Performed("Order Completed"))),
		engine.CreateTraits(ctx, trait.Sum("revenue", "Order Completed", "total")),
	)
	for _, c := range []struct {
		id     string
		emails []string
		total  float64
	}{
		{"ann", []string{"ann@x.io", "Ann@Y.io"}, 120},
		{"ben", []string{"ben@x.io"}, 30.5},
	} {
		ids := []profile.ExternalID{{Type: "user_id", Value: c.id}}
		for _, e := range c.emails {
			ids = append(ids, profile.ExternalID{Type: "email", Value: e})
		}
		order, failed := profile.NewObject(map[string]any{"total": c.total})
		err = errors.Join(err, failed,
			engine.Identify(ctx, audience.Identify{Profile: c.id, IDs: ids, Time: clock.Now()}),
			engine.Track(ctx, profile.Event{Profile: c.id, Name: "Order Completed", Time: clock.Now(), Properties: order}))
	}
	if err != nil {
		log.Fatal(err)
	}
	return store
}

// show prints a file; its lines end with CR LF.
func show(file fmt.Stringer) { fmt.Print(strings.ReplaceAll(file.String(), "\r\n", "\n")) }

// The members of an audience, for people: a column for each type of id, and
// another for a second email.
func Example() {
	store := exampleStore() // the one given to audience.New

	var file strings.Builder
	export := csvexport.Export{Key: "buyers", Format: csvexport.IndexedColumns}
	result, err := export.Write(context.Background(), &file, store)
	if err != nil {
		log.Fatal(err)
	}
	show(&file)
	fmt.Println(result.Rows, "rows,", result.Bytes, "bytes, as of", result.Instant.Format(time.RFC3339))
	// Output:
	// key,external_ids,email,email_1,user_id
	// ann,"{""email"":[""Ann@Y.io"",""ann@x.io""],""user_id"":[""ann""]}",Ann@Y.io,ann@x.io,ann
	// ben,"{""email"":[""ben@x.io""],""user_id"":[""ben""]}",ben@x.io,,ben
	// 2 rows, 201 bytes, as of 2026-03-01T12:00:00Z
}

// A computed trait is exported by its key as an audience is, and has a column
// for the value. Further emails are on rows of their own.
func ExampleExport_Write_trait() {
	var file strings.Builder
	export := csvexport.Export{Key: "revenue", Format: csvexport.AdditionalRows}
	if _, err := export.Write(context.Background(), &file, exampleStore()); err != nil {
		log.Fatal(err)
	}
	show(&file)
	// Output:
	// key,value,external_ids,email,user_id
	// ann,120.0,"{""email"":[""Ann@Y.io"",""ann@x.io""],""user_id"":[""ann""]}",Ann@Y.io,ann
	// ann,120.0,"{""email"":[""Ann@Y.io"",""ann@x.io""],""user_id"":[""ann""]}",ann@x.io,
	// ben,30.5,"{""email"":[""ben@x.io""],""user_id"":[""ben""]}",ben@x.io,ben
}

// What an ad platform matches: hashes of normalised emails.
func ExampleExport_Write_hashed() {
	var file strings.Builder
	export := csvexport.Export{Key: "buyers", Format: csvexport.SingleColumn, IDType: "email", Platform: csvexport.Normalized}
	if _, err := export.Write(context.Background(), &file, exampleStore()); err != nil {
		log.Fatal(err)
	}
	show(&file)
	// Output:
	// email
	// 9a7af1f0ff111f26fbb6c1402b40e582b88b4757a649e110dd5e66a6c721358a
	// 31122705444181b10221d3b55cfc293b23730cb63db6fd4b2ea5a33a35aa510a
	// 33b1e423e2ef5f8d418ca029b1e192930143650339843758508a2a134e046056
}

// The same for somebody who may see the emails themselves.
func ExamplePermitRaw() {
	var file strings.Builder
	export := csvexport.Export{
		Key: "buyers", Format: csvexport.SingleColumn, IDType: "email",
		Platform: csvexport.Normalized, Raw: csvexport.PermitRaw(),
	}
	if _, err := export.Write(context.Background(), &file, exampleStore()); err != nil {
		log.Fatal(err)
	}
	show(&file)
	// Output:
	// email
	// ann@y.io
	// ann@x.io
	// ben@x.io
}

// A file is written whole or not at all. Say how far it is, and how long it
// will take, to whoever waits for it.
func ExampleExport_WriteFile() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	store := exampleStore()
	export := csvexport.Export{Key: "buyers", Format: csvexport.IndexedColumns}
	export.Progress = func(p csvexport.Progress) {
		fmt.Printf("%s: %d of %d\n", p.Stage, p.Profiles, p.Total)
	}
	estimate, err := export.Estimate(ctx, store)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(estimate)
	path := filepath.Join(dir, "buyers.csv")
	result, err := export.WriteFile(ctx, path, store)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes, CRC-32C %08x\n", result.Bytes, result.CRC32C)
	// Output:
	// 2 rows, 201 B, less than 20s
	// finding columns: 2 of 2
	// writing: 2 of 2
	// 201 bytes, CRC-32C ed790b92
}

// Several files of one instant come from one snapshot.
func ExampleExport_Write_snapshot() {
	ctx := context.Background()
	snapshot, err := exampleStore().Snapshot(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer snapshot.Close()
	for _, key := range []string{"buyers", "revenue"} {
		var file strings.Builder
		if _, err := (csvexport.Export{Key: key, NoHeader: true}).Write(ctx, &file, snapshot); err != nil {
			log.Fatal(err)
		}
		show(&file)
	}
	// Output:
	// ann,"{""email"":[""Ann@Y.io"",""ann@x.io""],""user_id"":[""ann""]}"
	// ben,"{""email"":[""ben@x.io""],""user_id"":[""ben""]}"
	// ann,120.0,"{""email"":[""Ann@Y.io"",""ann@x.io""],""user_id"":[""ann""]}"
	// ben,30.5,"{""email"":[""ben@x.io""],""user_id"":[""ben""]}"
}
