package ingest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/ingest"
	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

const eventually, tick = time.Minute, time.Millisecond

// poisons are messages that cannot be taken, by what is wrong with them.
func poisons() map[string]struct {
	text string
	want error
} {
	return map[string]struct {
		text string
		want error
	}{
		"null":                    {`null`, profile.ErrInvalid},
		"a number":                {`17`, profile.ErrInvalid},
		"text":                    {`"{}"`, profile.ErrInvalid},
		"a list":                  {`[{"type":"track"}]`, profile.ErrInvalid},
		"empty":                   {`{}`, profile.ErrInvalid},
		"NaN, as Python has it":   {`{"type":"track","userId":"u","event":"E","messageId":"bad","properties":{"x":NaN}}`, profile.ErrInvalid},
		"no JSON":                 {`{type:'track'}`, profile.ErrInvalid},
		"no colon":                {`{"type" "track"}`, profile.ErrInvalid},
		"context that is no JSON": {`{"type":"track","userId":"u","event":"E","messageId":"bad","context":{"a" 1}}`, profile.ErrInvalid},
		"integrations, no JSON":   {`{"type":"track","userId":"u","event":"E","messageId":"bad","integrations":{"a" 1}}`, profile.ErrInvalid},
		"no UTF-8":                {"{\"type\":\"track\",\"userId\":\"u\",\"event\":\"\xff\",\"messageId\":\"bad\"}", profile.ErrInvalid},
		"no type":                 {`{"userId":"u","event":"E","messageId":"bad"}`, profile.ErrInvalid},
		"an unknown type":         {`{"type":"trac","userId":"u","event":"E","messageId":"bad"}`, profile.ErrInvalid},
		"no id":                   {`{"type":"track","event":"E","messageId":"bad"}`, profile.ErrInvalid},
		"an id that is none":      {`{"type":"track","userId":"undefined","event":"E","messageId":"bad"}`, profile.ErrInvalid},
		"an id that is an object": {`{"type":"track","userId":{"a":1},"event":"E","messageId":"bad"}`, profile.ErrInvalid},
		"an id too long":          {`{"type":"track","userId":"` + strings.Repeat("u", 1025) + `","event":"E","messageId":"bad"}`, profile.ErrTooLarge},
		"no event name":           {`{"type":"track","userId":"u","messageId":"bad"}`, profile.ErrInvalid},
		"no group":                {`{"type":"group","userId":"u","messageId":"bad"}`, profile.ErrInvalid},
		"no previous id":          {`{"type":"alias","userId":"u","messageId":"bad"}`, profile.ErrInvalid},
		"properties of no kind":   {`{"type":"track","userId":"u","event":"E","properties":"p","messageId":"bad"}`, profile.ErrInvalid},
		"a context of no kind":    {`{"type":"track","userId":"u","event":"E","context":17,"messageId":"bad"}`, profile.ErrInvalid},
		"too deep":                {`{"type":"track","userId":"u","event":"E","messageId":"bad","properties":{"x":` + strings.Repeat("[", 15000) + strings.Repeat("]", 15000) + `}}`, profile.ErrTooLarge},
		"too large":               {`{"type":"track","userId":"u","event":"E","messageId":"bad","properties":{"x":"` + strings.Repeat("x", 32<<10) + `"}}`, profile.ErrTooLarge},
		"a time that is none":     {`{"type":"track","userId":"u","event":"E","messageId":"bad","timestamp":"yesterday"}`, profile.ErrTime},
		"a time out of range":     {`{"type":"track","userId":"u","event":"E","messageId":"bad","timestamp":"9999-01-01"}`, profile.ErrTime},
		"sentAt that is none":     {`{"type":"track","userId":"u","event":"E","messageId":"bad","originalTimestamp":"2026-03-01T12:00:00Z","sentAt":"now"}`, profile.ErrTime},
		"beyond the retention":    {`{"type":"track","userId":"u","event":"E","messageId":"bad","timestamp":"2020-01-01"}`, profile.ErrRetention},
		"a computed trait":        {`{"type":"identify","userId":"u","traits":{"spent":5},"messageId":"bad"}`, audience.ErrComputed},
		"a merge of one":          {`{"type":"merge","messageId":"bad","mergeProperties":[]}`, profile.ErrInvalid},
	}
}

// The libraries never send again what was answered with 400: one message that is bad must
// not lose the ten with it.
func TestAPoisonedBatchDeliversTheOthers(t *testing.T) {
	for name, poison := range poisons() {
		for _, at := range []int{0, 5, 10} {
			t.Run(fmt.Sprint(name, " at ", at), func(t *testing.T) {
				w := newWorld(t, nil)
				var batch []string
				for i := range 11 {
					text := fmt.Sprintf(`{"type":"track","userId":"ann","event":"Good %02d","messageId":"good-%d"}`, i, i)
					if i == at {
						text = poison.text
					}
					batch = append(batch, text)
				}
				a := w.post("/v1/batch", `{"batch":[`+strings.Join(batch, ",")+`],"sentAt":"2026-03-01T12:00:00Z"}`)
				require.Equal(t, http.StatusOK, a.Status, a.Body)
				require.False(t, a.Success)
				require.Equal(t, 10, a.Taken)
				require.Len(t, a.Refused, 1)
				require.Equal(t, at, a.Refused[0].Index)
				require.NotEmpty(t, a.Refused[0].Error)

				names := 0
				for _, err := range w.store.EventNames(context.Background(), "ann") {
					require.NoError(t, err)
					names++
				}
				require.Equal(t, 10, names)
				_, exists, err := w.store.Resolve(context.Background(), profile.UserRef("u"))
				require.NoError(t, err)
				require.False(t, exists, "what is refused has no effect")

				require.Len(t, w.rejected, 1)
				require.ErrorIs(t, w.rejected[0].Err, poison.want)
				require.Equal(t, at, w.rejected[0].Index)
				require.Equal(t, poison.text, string(w.rejected[0].Text))
				require.Equal(t, "web", w.rejected[0].Source.Name)
				if strings.Contains(poison.text, `"messageId"`) && name != "no UTF-8" {
					require.Equal(t, "bad", w.rejected[0].MessageID)
				}
				require.Equal(t, ingest.Stats{Taken: 10, Refused: 1}, w.handler.Stats())
			})
		}
	}
}

// One message that is refused on a route of its own is told in the same way.
func TestOneMessageThatIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	a := w.post("/v1/track", `{"userId":"ann","messageId":"m"}`)
	w.Equal(http.StatusOK, a.Status)
	w.JSONEq(`{"success":false,"taken":0,"refused":[{"index":0,"messageId":"m","error":"invalid input: event name is empty"}]}`, a.Body)
}

func TestAnAnswerListsAThousandRefused(t *testing.T) {
	w := newWorld(t, nil)
	a := w.post("/v1/batch", `{"batch":[`+strings.Repeat("1,", 1500)+`1]}`)
	w.Len(a.Refused, 1000)
	w.Len(w.rejected, 1501)
}

// What is sent again, because the answer was lost, is taken once.
func TestABatchThatComesAgainIsTakenOnce(t *testing.T) {
	w := newWorld(t, nil)
	const body = `{"batch":[{"type":"track","userId":"ann","event":"Order Completed","properties":{"total":5},"messageId":"m"}]}`
	w.must("/v1/batch", body)
	w.must("/v1/batch", body)
	values, err := w.store.ValuesOf(context.Background(), profile.UserRef("ann"))
	w.NoError(err)
	w.Equal("5", values[0].Value.String())
	// Without an id each is one of its own.
	w.must("/v1/track", `{"userId":"ann","event":"Order Completed","properties":{"total":5}}`)
	w.must("/v1/track", `{"userId":"ann","event":"Order Completed","properties":{"total":5}}`)
	values, err = w.store.ValuesOf(context.Background(), profile.UserRef("ann"))
	w.NoError(err)
	w.Equal("15", values[0].Value.String())
}
