package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/muster-go/muster/audience"
)

// sizes say how much is asked, and how often.
type sizes struct{ events, users, runs int }

// row is what a question took.
type row struct {
	text                  string
	members               int
	duck, preview, create time.Duration // medians
}

// run asks all questions of both sides, and returns what each took: an error where the
// answers differ.
func run(ctx context.Context, s sizes) (rows []row, err error) {
	events := history(s.events, s.users)
	duck, err := newDuck(ctx, events)
	if err != nil {
		return nil, fmt.Errorf("duckdb: %w", err)
	}
	defer func() { err = errors.Join(err, duck.close()) }()
	store, err := newStore(ctx, events)
	if err != nil {
		return nil, err
	}
	events = nil
	engine, err := audience.New(ctx, store, audience.Options{Clock: audience.NewManualClock(now)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	for i, q := range questions {
		r, err := ask(ctx, duck, engine, q, fmt.Sprint("question_", i), s.runs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.text, err)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// ask puts a question to both sides so many times, by turns.
func ask(ctx context.Context, duck *duck, engine *audience.Engine, q question, key string, runs int) (row, error) {
	var ducks, previews, creates []time.Duration
	r := row{text: q.text}
	for i := range runs {
		runtime.GC() // what the one leaves is not the other's to collect
		took, n, err := timed(func() (int, error) { return duck.ask(ctx, q) })
		if err != nil {
			return r, err
		}
		ducks, r.members = append(ducks, took), n
		runtime.GC()
		took, n, err = timed(func() (int, error) {
			p, err := engine.Preview(ctx, audience.Define("preview").Members(q.of), audience.PreviewOptions{Sample: -1})
			return p.Size, err
		})
		if err := differ("preview", n, r.members, err); err != nil {
			return r, err
		}
		previews = append(previews, took)
		of := fmt.Sprint(key, "_", i)
		runtime.GC()
		took, _, err = timed(func() (int, error) {
			return 0, engine.Create(ctx, audience.Define(of).Members(q.of))
		})
		if err != nil {
			return r, err
		}
		n, err = engine.MemberCount(ctx, of)
		if err := differ("creation", n, r.members, err); err != nil {
			return r, err
		}
		creates = append(creates, took)
		if err := engine.DeleteAudience(ctx, of); err != nil {
			return r, err
		}
	}
	r.duck, r.preview, r.create = median(ducks), median(previews), median(creates)
	return r, nil
}

func differ(what string, n, want int, err error) error {
	if err == nil && n != want {
		err = fmt.Errorf("%s has %d members, DuckDB %d", what, n, want)
	}
	return err
}

func timed(do func() (int, error)) (time.Duration, int, error) {
	began := time.Now()
	n, err := do()
	return time.Since(began), n, err
}

func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2]
}

// table prints rows with their ratios.
func table(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "question\tmembers\tDuckDB\tPreview\t\tCreate\t")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%.1f × DuckDB\t%s\t%.1f × Preview\n", r.text, r.members,
			short(r.duck), short(r.preview), float64(r.preview)/float64(r.duck), short(r.create), float64(r.create)/float64(r.preview))
	}
	return t.Flush()
}

func short(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d)/1e6) }
