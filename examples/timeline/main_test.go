package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/muster-go/muster/audience"
	"github.com/stretchr/testify/require"
)

// The picture of the README is what the program draws:
//
//	go run ./examples/timeline > examples/timeline/timeline.svg
func TestThePictureIsUpToDate(t *testing.T) {
	var drawn bytes.Buffer
	require.NoError(t, run(context.Background(), &drawn))
	kept, err := os.ReadFile("timeline.svg")
	require.NoError(t, err)
	require.Equal(t, string(kept), drawn.String())
}

func TestThePictureIsXML(t *testing.T) {
	var drawn bytes.Buffer
	require.NoError(t, run(context.Background(), &drawn))
	for decoder := xml.NewDecoder(&drawn); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// It shows both kinds of change: because of an event, and because of time alone.
func TestThePictureShowsWhatItIsAbout(t *testing.T) {
	told, err := replay(context.Background())
	require.NoError(t, err)
	causes := map[audience.Cause]int{}
	in := map[string]int{}
	for _, tr := range told {
		causes[tr.Cause]++
		if tr.Type == audience.Entered {
			in[tr.Audience]++
		}
	}
	require.Positive(t, causes[audience.CauseEvent])
	require.Positive(t, causes[audience.CauseTime])
	require.Len(t, in, len(strips()))
}
