package noticebody

import (
	"testing"

	"github.com/muster-go/muster/profile"
	"github.com/stretchr/testify/require"
)

func TestRead(t *testing.T) {
	for _, of := range []struct {
		body string
		want About
	}{
		{`{"audience":"vip","profile":"ann"}`, About{Audience: "vip", Profile: "ann"}},
		{`{"audience":"vip","profile":"ann","exited":true,"at":"2026-01-01T00:00:00Z"}`, About{Audience: "vip", Profile: "ann", Exited: true}},
		{`{"trait":"orders","subject":1,"profile":"acme"}`, About{Trait: "orders", Subject: profile.Account, Profile: "acme"}},
		{`{"profile":"ann"}`, About{Profile: "ann"}},
	} {
		got, ok, err := Read([]byte(of.body))
		require.NoError(t, err, of.body)
		require.True(t, ok, of.body)
		require.Equal(t, of.want, got)
		require.Equal(t, profile.Ref{Subject: of.want.Subject, ID: of.want.Profile}, got.Ref())
	}
}

// What a test has put into a store is no body of the engine's; what begins as one and is
// damaged is an error.
func TestReadOfWhatIsNoBody(t *testing.T) {
	for _, body := range []string{"", "anything", "[1]"} {
		_, ok, err := Read([]byte(body))
		require.NoError(t, err, body)
		require.False(t, ok, body)
	}
	for _, body := range []string{`{`, `{"audience":1}`, `{"profile":"ann"`} {
		_, _, err := Read([]byte(body))
		require.ErrorContains(t, err, "body of a notice", body)
	}
}
