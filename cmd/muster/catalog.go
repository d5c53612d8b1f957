package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/cmd/muster/internal/eventlog"
	"github.com/muster-go/muster/cmd/muster/internal/lint"
	"github.com/muster-go/muster/profile"
)

func catalogCommand(std streams) *cli.Command {
	return &cli.Command{
		Name:  "catalog",
		Usage: "say which events, properties and traits a log has",
		Description: "Each event has a line with how many there are, and how many users' and accounts'\n" +
			"calls set a trait is said likewise; below are the properties, with their share,\n" +
			"types and frequent values. With -json it is what check -catalog reads.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "events", Usage: "a `FILE` of messages, one a line", Required: true},
			jsonFlag(),
		}, logFlags()...),
		Action: func(ctx context.Context, c *cli.Command) error {
			if _, err := arguments(c, 0, 0); err != nil {
				return err
			}
			engine, err := audience.New(ctx, profile.NewMemStore(), audience.Options{})
			if err != nil {
				return err
			}
			defer engine.Close()
			if _, err = eachMessage(ctx, std, c, func(m profile.Message) error { return engine.Apply(ctx, m) }); err != nil {
				return err
			}
			catalog, err := engine.Catalog(ctx)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				return writeJSON(std.out, catalog)
			}
			return writeCatalog(std.out, catalog)
		},
	}
}

// writeCatalog writes a catalog for people.
func writeCatalog(to io.Writer, c audience.Catalog) error {
	var b strings.Builder
	for _, e := range c.Events {
		fmt.Fprintf(&b, "%s  %s, the latest %s\n", e.Name, plural(int(e.Count), "event"), e.Last.Format(time.RFC3339Nano))
		writeFields(&b, e.Properties)
	}
	for _, of := range []struct {
		what   string
		traits []audience.CatalogField
	}{{"users", c.Traits}, {"accounts", c.AccountTraits}} {
		if len(of.traits) > 0 {
			fmt.Fprintf(&b, "traits of %s\n", of.what)
			writeFields(&b, of.traits)
		}
	}
	_, err := io.WriteString(to, printable(b.String()))
	return err
}

func writeFields(b *strings.Builder, fields []audience.CatalogField) {
	for _, f := range fields {
		fmt.Fprintf(b, "  %-20s %5.1f%%  %s", f.Name, 100*f.Share, typesOf(f))
		for i, v := range f.Values[:min(3, len(f.Values))] {
			sep := ", "
			if i == 0 {
				sep = "  "
			}
			fmt.Fprintf(b, "%s%s (%d)", sep, v.Value, v.Count)
		}
		b.WriteByte('\n')
	}
}

// typesOf returns the types of a field's values, the most frequent first.
func typesOf(f audience.CatalogField) string {
	var types []string
	for t := range f.Types {
		types = append(types, t)
	}
	slices.SortFunc(types, func(a, b string) int { return cmp.Or(cmp.Compare(f.Types[b], f.Types[a]), strings.Compare(a, b)) })
	return strings.Join(types, " or ")
}

// readCatalog reads the names of a catalog.
func readCatalog(path string, in io.Reader) (*lint.Sample, error) {
	file, err := eventlog.Open(path, in)
	if err != nil {
		return nil, unopened(path, err)
	}
	defer file.Close()
	var c audience.Catalog
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return nil, fmt.Errorf("%s: a catalog: %w", path, err)
	}
	return lint.FromCatalog(c), nil
}
