package main

import (
	"fmt"
	"io"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
)

// The places of the picture, in pixels.
const (
	left     = 170 // where the time line begins
	perDay   = 48
	wide     = left + days*perDay + 20
	top      = 34
	eventRow = 24
	thin     = 7  // of a window, with the gap below it
	bar      = 16 // of a membership
)

// colours of the names of events, and of their windows.
var colours = map[string]string{viewed: "#4477aa", added: "#cc8822", ordered: "#228855"}

func x(t time.Time) float64 {
	return left + perDay*float64(t.Sub(begin))/float64(profile.Day)
}

// draw writes the picture.
func draw(w io.Writer, told []audience.Transition) {
	end := begin.Add(days * profile.Day)
	log := visits()
	high := top + 3*eventRow + 10
	for _, s := range strips() {
		high += rows(s, log)*thin + bar + 34
	}
	high += 22
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", wide, high, wide, high)
	fmt.Fprintf(w, `<title>The events of one customer, how long they count, and the audiences she is in</title>`+"\n")
	fmt.Fprintf(w, `<rect width="%d" height="%d" rx="8" fill="#ffffff" stroke="#dddddd"/>`+"\n", wide, high)
	for day := range days + 1 {
		at := begin.Add(time.Duration(day) * profile.Day)
		fmt.Fprintf(w, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#eeeeee"/>`+"\n", x(at), top, x(at), high-24)
		if day < days {
			fmt.Fprintf(w, `<text x="%.1f" y="%d" fill="#777777">%s</text>`+"\n", x(at)+4, top-10, at.Format("2 Jan"))
		}
	}
	y := top + eventRow/2
	for _, name := range []string{viewed, added, ordered} {
		fmt.Fprintf(w, `<text x="12" y="%d" fill="%s">%s</text>`+"\n", y+4, colours[name], name)
		for i := range log {
			if log[i].Name == name {
				fmt.Fprintf(w, `<circle cx="%.1f" cy="%d" r="5" fill="%s"/>`+"\n", x(log[i].Time), y, colours[name])
			}
		}
		y += eventRow
	}
	for _, s := range strips() {
		y += 18
		fmt.Fprintf(w, `<text x="12" y="%d" fill="#222222" font-weight="bold">%s</text>`+"\n", y, s.key)
		fmt.Fprintf(w, `<text x="%d" y="%d" fill="#777777" font-size="11">%s</text>`+"\n", left, y, s.says)
		y += 8
		for _, counts := range s.windows {
			for i := range log {
				if log[i].Name != counts.event {
					continue
				}
				from, to := log[i].Time, log[i].Time.Add(counts.span)
				fmt.Fprintf(w, `<rect x="%.1f" y="%d" width="%.1f" height="%d" rx="2" fill="%s" opacity="0.35"/>`+"\n",
					x(from), y, x(earlier(to, end))-x(from), thin-2, colours[counts.event])
				y += thin
			}
		}
		drawMemberships(w, s.key, y, end, told)
		y += bar + 8
	}
	fmt.Fprintf(w, `<text x="12" y="%d" fill="#777777" font-size="11">faint: how long an event counts · dark: member · ● because of an event · ○ because of time alone</text>`+"\n", high-8)
	fmt.Fprintln(w, "</svg>")
}

// rows is how many windows an audience has in the picture.
func rows(s strip, log []profile.Message) (n int) {
	for _, counts := range s.windows {
		for i := range log {
			if log[i].Name == counts.event {
				n++
			}
		}
	}
	return n
}

// drawMemberships draws the times in which the customer is in an audience.
func drawMemberships(w io.Writer, key string, y int, end time.Time, told []audience.Transition) {
	var since time.Time
	block := func(until time.Time) {
		fmt.Fprintf(w, `<rect x="%.1f" y="%d" width="%.1f" height="%d" rx="3" fill="#334455"/>`+"\n", x(since), y, x(until)-x(since), bar)
		since = time.Time{}
	}
	for _, t := range told {
		switch {
		case t.Audience != key:
		case t.Type == audience.Entered:
			since = t.At
		default:
			block(t.At)
		}
	}
	if !since.IsZero() {
		block(end)
	}
	for _, t := range told {
		if t.Audience != key {
			continue
		}
		fill := "#334455"
		if t.Cause == audience.CauseTime {
			fill = "#ffffff"
		}
		fmt.Fprintf(w, `<circle cx="%.1f" cy="%d" r="5" fill="%s" stroke="#334455" stroke-width="2"><title>%s %s %s (%s)</title></circle>`+"\n",
			x(t.At), y+bar/2, fill, key, t.Type, t.At.Format(time.RFC3339), t.Cause)
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
