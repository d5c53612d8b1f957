package ingest_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/ingest"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
	"github.com/stretchr/testify/require"
)

var (
	loadFor      = flag.Duration("load", time.Second, "how long TestLoad sends, at most")
	loadRequests = flag.Int("load.requests", 200_000, "how many requests TestLoad sends, at most")
	loadSenders  = flag.Int("load.senders", 8, "how many connections TestLoad sends by")
)

// batchOfLoad is how many messages a request of TestLoad has, as the libraries' have at
// most.
const batchOfLoad = 20

// sender is one connection of a load.
type sender struct {
	took []time.Duration // of each request that was taken
	sent int             // messages that were taken
	busy int             // requests that were sent again
	err  error
}

// TestLoad sends batches of 20 tracks of 10,000 users over loopback to an engine with a
// computed trait and an audience, and looks for each of them in the store. For a minute:
//
//	go test ./ingest -run TestLoad -load 60s -v
func TestLoad(t *testing.T) {
	ctx := context.Background()
	store := profile.NewMemStore()
	engine, err := audience.New(ctx, store, audience.Options{})
	require.NoError(t, err)
	defer engine.Close()
	require.NoError(t, engine.CreateTraits(ctx, trait.Sum("spent", "Order Completed", "total").Within(30*profile.Day)))
	require.NoError(t, engine.Create(ctx, audience.Define("spenders").Members(audience.Trait("traits.spent >= 100"))))
	handler, err := ingest.New(engine, ingest.Options{
		Authorizer: ingest.WriteKeys{"wk": "load"},
		Clock:      engine,
	})
	require.NoError(t, err)
	server := httptest.NewServer(handler)
	defer server.Close()

	began := time.Now()
	until := began.Add(*loadFor)
	senders := make([]sender, *loadSenders)
	var wait sync.WaitGroup
	for i := range senders {
		wait.Add(1)
		go func() {
			defer wait.Done()
			senders[i].run(server, i, until, *loadRequests / *loadSenders)
		}()
	}
	wait.Wait()
	elapsed := time.Since(began)

	var took []time.Duration
	sent, busy := 0, 0
	for i := range senders {
		require.NoError(t, senders[i].err)
		took = append(took, senders[i].took...)
		sent += senders[i].sent
		busy += senders[i].busy
	}
	require.NotEmpty(t, took)
	stored := 0
	for user, err := range store.Profiles(ctx, profile.User, "") {
		require.NoError(t, err)
		for _, err := range store.Events(ctx, user, "Order Completed", time.Time{}) {
			require.NoError(t, err)
			stored++
		}
	}
	require.Equal(t, sent, stored, "lost")
	require.EqualValues(t, sent, handler.Stats().Taken)
	slices.Sort(took)
	at := func(share float64) time.Duration {
		return took[int(share*float64(len(took)-1))].Round(time.Microsecond)
	}
	t.Logf("%d requests of %d messages in %v by %d connections: %.0f requests/s, %.0f messages/s; p50 %v, p99 %v, max %v; %d sent again; 0 of %d lost",
		len(took), batchOfLoad, elapsed.Round(time.Millisecond), len(senders), float64(len(took))/elapsed.Seconds(),
		float64(sent)/elapsed.Seconds(), at(0.5), at(0.99), at(1), busy, sent)
}

// run sends batches one after the other, until a time or a number of them.
func (s *sender) run(server *httptest.Server, number int, until time.Time, most int) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	var body bytes.Buffer
	for n := 0; n < most && time.Now().Before(until); n++ {
		body.Reset()
		fmt.Fprintf(&body, `{"sentAt":%q,"context":{"library":{"name":"load"}},"batch":[`, time.Now().Format(time.RFC3339Nano))
		for i := range batchOfLoad {
			if i > 0 {
				body.WriteByte(',')
			}
			id := n*batchOfLoad + i
			fmt.Fprintf(&body, `{"type":"track","event":"Order Completed","userId":"u%d","messageId":"%d-%d","originalTimestamp":%q,"properties":{"total":%d.5,"currency":"EUR"}}`,
				(id*7919+number)%10_000, number, id, time.Now().Format(time.RFC3339Nano), id%90)
		}
		body.WriteString(`]}`)
		if s.err = s.send(client, server.URL, body.Bytes()); s.err != nil {
			return
		}
	}
}

// send sends a batch until it is taken.
func (s *sender) send(client *http.Client, url string, body []byte) error {
	for {
		began := time.Now()
		r, err := http.NewRequest("POST", url+"/v1/batch", bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.SetBasicAuth("wk", "")
		res, err := client.Do(r)
		if err != nil {
			return err
		}
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		if err := res.Body.Close(); err != nil {
			return err
		}
		switch res.StatusCode {
		case http.StatusOK:
			s.took = append(s.took, time.Since(began))
			s.sent += batchOfLoad
			return nil
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			s.busy++
			continue
		}
		return fmt.Errorf("%d: %s", res.StatusCode, answer)
	}
}
