// Command export plays the log of a small shop, and writes one audience of it,
// those who bought in the last 30 days, in each format of package csvexport:
//
//	go run ./examples/export [-dir DIR | -stdout] [-users N] [-raw]
//
// The log is generated: N users (12 by default) with ids, some of whom have two
// emails, or a phone, or buy something. There are the files
//
//	recent_buyers.csv             a row each, ids as JSON
//	recent_buyers_columns.csv     a column for each id
//	recent_buyers_rows.csv        a row for each further id
//	recent_buyers_email.csv       hashes of the emails; with -raw the emails
//	revenue.csv                   the computed trait "revenue", in columns
//
// all of one instant. They go to DIR, by default to a new folder in that for
// temporary files; with -stdout they are printed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/muster-go/muster/csvexport"
	"github.com/muster-go/muster/profile"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "export:", err)
		os.Exit(1)
	}
}

// file is one of those written.
type file struct {
	name   string
	export csvexport.Export
}

// files returns what is written; raw permits emails that can be read.
func files(raw csvexport.RawPermission) []file {
	key := recentBuyers.Key
	return []file{
		{key + ".csv", csvexport.Export{Key: key}},
		{key + "_columns.csv", csvexport.Export{Key: key, Format: csvexport.IndexedColumns}},
		{key + "_rows.csv", csvexport.Export{Key: key, Format: csvexport.AdditionalRows}},
		{key + "_email.csv", csvexport.Export{
			Key: key, Format: csvexport.SingleColumn, IDType: "email", Platform: csvexport.Normalized, Raw: raw,
		}},
		{revenue.Key + ".csv", csvexport.Export{Key: revenue.Key, Format: csvexport.IndexedColumns}},
	}
}

// run is the whole program.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("export", flag.ContinueOnError)
	dir := flags.String("dir", "", "`folder` for the files; by default a new one")
	toStdout := flags.Bool("stdout", false, "print the files rather than write them")
	users := flags.Int("users", 12, "`number` of users in the log")
	permit := flags.Bool("raw", false, "write emails, not their hashes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case *toStdout && *dir != "":
		return errors.New("-dir and -stdout exclude each other")
	}
	var raw csvexport.RawPermission
	if *permit {
		raw = csvexport.PermitRaw()
	}

	store, err := shop(ctx, *users)
	if err != nil {
		return err
	}
	snapshot, err := store.Snapshot(ctx) // all files are of this instant
	if err != nil {
		return err
	}
	defer snapshot.Close()
	if *toStdout {
		return printFiles(ctx, stdout, snapshot, files(raw))
	}
	if *dir == "" {
		if *dir, err = os.MkdirTemp("", "export-"); err != nil {
			return err
		}
	}
	return writeFiles(ctx, stdout, *dir, snapshot, files(raw))
}

// writeFiles writes files into a folder, and a line on each to out.
func writeFiles(ctx context.Context, out io.Writer, dir string, from profile.Reader, files []file) error {
	fmt.Fprintf(out, "In %s:\n", dir)
	for _, f := range files {
		result, err := f.export.WriteFile(ctx, filepath.Join(dir, f.name), from)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%-26s %4d rows %6d bytes, %s, CRC-32C %08x\n",
			f.name, result.Rows, result.Bytes, f.export.Format, result.CRC32C)
	}
	return nil
}

// printFiles writes files to out, each below its name.
func printFiles(ctx context.Context, out io.Writer, from profile.Reader, files []file) error {
	for i, f := range files {
		if i > 0 {
			fmt.Fprintln(out)
		}
		var text strings.Builder
		if _, err := f.export.Write(ctx, &text, from); err != nil {
			return err
		}
		// Lines of a CSV file end with CR LF.
		fmt.Fprintf(out, "== %s (%s)\n%s", f.name, f.export.Format, strings.ReplaceAll(text.String(), "\r\n", "\n"))
	}
	return nil
}
