package audience

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

// evidence has something in every field.
func evidence(t *testing.T) *Explained {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	sku, err := profile.NewValue("sku")
	require.NoError(t, err)
	return &Explained{Path: "where", Condition: "all", Holds: true, Until: at, Children: []Explained{
		{
			Path: "where.all[0].event", Condition: `performed "Order"`, Count: 2,
			Events:   []Seen{{Time: at, Name: "Order", MessageID: "m1", User: "ann"}},
			Distinct: 1, Values: []profile.Value{sku}, Partial: true,
			Near: Near{Filtered: 1, Outside: 2, Newest: at, Meant: "Orders", Missing: []MissingProperty{{"totl", "total"}}},
		},
		{Path: "where.all[1].trait", Traits: []SeenTrait{{Name: "plan", Value: sku, Unreadable: true, Meant: "plans"}}},
		{
			Path: "where.all[2].funnel", Funnel: []Matched{{"looked", at, 7}, {"ordered", at.Add(1), 1 << 60}},
			Stop: Stop{Step: "paid", Event: "Paid", Not: true, Until: at, Followed: Seen{Time: at}, Near: Near{Filtered: 3}, Excluded: 1},
		},
		{Path: "where.all[3].audience", Since: at, Children: []Explained{{
			Path: "where.all[3].audience", Of: profile.AccountRef("acme"), Users: 3, Meet: 2,
			Children: []Explained{{Condition: "user", Of: profile.UserRef("ann"), Holds: true, Funnel: []Matched{{"looked", at, 8}}}},
		}}},
	}}
}

// The JSON form, which scripts read, stays as it is.
const evidenceJSON = `{"path":"where","condition":"all","holds":true,"until":"2026-01-02T03:04:05.000000006Z","children":[{"path":"where.all[0].event","condition":"performed \"Order\"","holds":false,"count":2,"events":[{"time":"2026-01-02T03:04:05.000000006Z","name":"Order","message_id":"m1","user":"ann"}],"distinct":1,"values":["sku"],"partial":true,"near":{"filtered":1,"outside":2,"newest":"2026-01-02T03:04:05.000000006Z","meant":"Orders","missing":[{"name":"totl","meant":"total"}]}},{"path":"where.all[1].trait","condition":"","holds":false,"traits":[{"name":"plan","value":"sku","unreadable":true,"meant":"plans"}]},{"path":"where.all[2].funnel","condition":"","holds":false,"funnel":[{"step":"looked","time":"2026-01-02T03:04:05.000000006Z"},{"step":"ordered","time":"2026-01-02T03:04:05.000000007Z"}],"stop":{"step":"paid","event":"Paid","not":true,"until":"2026-01-02T03:04:05.000000006Z","followed":{"time":"2026-01-02T03:04:05.000000006Z"},"near":{"filtered":3},"excluded":1}},{"path":"where.all[3].audience","condition":"","holds":false,"since":"2026-01-02T03:04:05.000000006Z","children":[{"path":"where.all[3].audience","condition":"","holds":false,"users":3,"meet":2,"of":"acme","children":[{"path":"","condition":"user","holds":true,"funnel":[{"step":"looked","time":"2026-01-02T03:04:05.000000006Z"}],"of":"ann"}]}]}]}`

// A notice as stores kept it once, with a form of its own for evidence.
const oldNotice = `{"audience":"buyers","profile":"ann","old":null,"new":null,"at":1767323045000000006,"evidence":{"Path":"where","Condition":"all","Holds":true,"Until":"2026-01-02T03:04:05.000000006Z","Traits":null,"Children":[{"Path":"where.all[0].event","Condition":"performed \"Order\"","Holds":false,"Count":2,"Events":[{"time":"2026-01-02T03:04:05.000000006Z","name":"Order","message_id":"m1","user":"ann"}],"Distinct":1,"Values":["sku"],"Partial":true,"Near":{"filtered":1,"outside":2,"newest":"2026-01-02T03:04:05.000000006Z","meant":"Orders","missing":[{"name":"totl","meant":"total"}]},"Traits":null},{"Path":"where.all[1].trait","Condition":"","Holds":false,"Traits":[{"name":"plan","value":"sku","unreadable":true,"meant":"plans"}]},{"Path":"where.all[2].funnel","Condition":"","Holds":false,"Traits":null,"Funnel":[{"Step":"looked","Time":"2026-01-02T03:04:05.000000006Z","Seq":7},{"Step":"ordered","Time":"2026-01-02T03:04:05.000000007Z","Seq":1152921504606846976}],"Stop":{"step":"paid","event":"Paid","not":true,"until":"2026-01-02T03:04:05.000000006Z","followed":{"time":"2026-01-02T03:04:05.000000006Z"},"near":{"filtered":3},"excluded":1}},{"Path":"where.all[3].audience","Condition":"","Holds":false,"Traits":null,"Since":"2026-01-02T03:04:05.000000006Z","Children":[{"Path":"where.all[3].audience","Condition":"","Holds":false,"Traits":null,"Users":3,"Meet":2,"Of":{"Subject":1,"ID":"acme"},"Children":[{"Path":"","Condition":"user","Holds":true,"Traits":null,"Funnel":[{"Step":"looked","Time":"2026-01-02T03:04:05.000000006Z","Seq":8}],"Of":{"Subject":0,"ID":"ann"}}]}]}]}}`

func TestEvidenceInJSON(t *testing.T) {
	text, err := json.Marshal(evidence(t))
	require.NoError(t, err)
	require.Equal(t, evidenceJSON, string(text))
	var read Explained
	require.NoError(t, json.Unmarshal(text, &read))
	again, err := json.Marshal(read)
	require.NoError(t, err)
	require.Equal(t, evidenceJSON, string(again))
	require.Error(t, json.Unmarshal([]byte(`{"of": 1}`), &read))
	require.Error(t, json.Unmarshal([]byte(`{"path": 1}`), &read))
}

// What is kept of evidence is all of it, in the form of now and in that of before.
func TestEvidenceIsKeptWhole(t *testing.T) {
	tr := Transition{ID: 5, Audience: "buyers", Profile: "ann", At: evidence(t).Until, Cause: CauseEvent, Evidence: evidence(t)}
	body, err := (&notice{transition: tr}).body()
	require.NoError(t, err)
	for _, body := range []string{string(body), oldNotice} {
		told, err := decodeNotice(profile.Notice{ID: 5, Body: []byte(body)})
		require.NoError(t, err)
		require.Equal(t, &tr, told.Notice.Transition)
	}
	var b noticeBody
	require.NoError(t, json.Unmarshal(body, &b))
	for _, unsaid := range [][]uint64{b.Unsaid[1:], append(b.Unsaid, 1)} {
		b.Unsaid = unsaid
		body, err := json.Marshal(b)
		require.NoError(t, err)
		_, err = decodeNotice(profile.Notice{ID: 5, Body: body})
		require.ErrorIs(t, err, profile.ErrInvalid)
	}
}
