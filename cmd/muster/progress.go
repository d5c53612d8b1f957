package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// bar is a progress bar on a terminal, of what takes longer than a second; elsewhere it
// is nothing.
type bar struct {
	to      io.Writer // nil: no terminal
	now     func() time.Time
	what    string
	started time.Time
	drawn   time.Time // the last time; zero: never
	width   int       // of what is drawn
}

const (
	barAfter = time.Second
	barEvery = 100 * time.Millisecond
	barWidth = 30
)

func newBar(std streams, what string) *bar {
	b := &bar{now: std.now, what: what, started: std.now()}
	if std.terminal {
		b.to = std.err
	}
	return b
}

// at draws which part is done, from 0 to 1; ok is false where that is not known. note
// says what besides.
func (b *bar) at(part float64, ok bool, note string) {
	if b.to == nil {
		return
	}
	now := b.now()
	if now.Sub(b.started) < barAfter || now.Sub(b.drawn) < barEvery {
		return
	}
	b.drawn = now
	line := b.what + " "
	if ok {
		full := int(part * barWidth)
		left := time.Duration(float64(now.Sub(b.started)) * (1 - part) / max(part, 1e-9))
		line += fmt.Sprintf("[%s%s] %3.0f %%, %s left, ", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), 100*part, min(left, 999*time.Hour).Round(time.Second))
	}
	b.draw(line + note)
}

// draw writes over what was drawn before.
func (b *bar) draw(line string) {
	width := len([]rune(line))
	fmt.Fprintf(b.to, "\r%s%s", line, strings.Repeat(" ", max(0, b.width-width)))
	b.width = width
}

// clear removes the bar, before something else is written.
func (b *bar) clear() {
	if b.to != nil && b.width > 0 {
		b.draw("")
		fmt.Fprint(b.to, "\r")
		b.width = 0
	}
}
