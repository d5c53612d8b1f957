package ingest

import (
	"net/http"
	"strings"
	"time"
)

// The libraries for browsers and phones ask a server for settings before they send: what
// their makers' servers say of a source, of which nothing here can be switched.

// settingsOf returns what to answer the request with that asks for settings; ok is false
// for one that does not.
func settingsOf(r *http.Request) (key string, form func(r *http.Request, key string, source Source) any, ok bool) {
	path := strings.TrimSuffix(r.URL.Path, "/")
	if path == "/sourceConfig" {
		return keyOf(r), rudderSettings, true
	}
	rest, found := strings.CutPrefix(path, "/v1/projects/")
	key, last, _ := strings.Cut(rest, "/")
	return key, segmentSettings, found && last == "settings"
}

// settings answers a request for settings, of a source that may send; ok is false for
// another request.
func (h *Handler) settings(r *http.Request) (answer any, ok bool, err error) {
	key, form, ok := settingsOf(r)
	switch {
	case !ok:
		return nil, false, nil
	case r.Method != http.MethodGet:
		return nil, true, errNotGet
	}
	source, err := h.authorize(r, key)
	if err != nil {
		return nil, true, err
	}
	return form(r, key, source), true, nil
}

type object = map[string]any

// segmentSettings are those that Segment's libraries read: messages go to this server.
func segmentSettings(r *http.Request, key string, _ Source) any {
	protocol := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		protocol = "https"
	}
	return object{
		"integrations": object{"Segment.io": object{"apiKey": key, "apiHost": r.Host + "/v1", "protocol": protocol}},
		"plan":         object{"track": object{"__default": object{"enabled": true, "integrations": object{}}}},
		"edgeFunction": object{},
	}
}

// rudderSettings are those that RudderStack's libraries read: a source without
// destinations, which sends nothing about itself.
func rudderSettings(_ *http.Request, key string, source Source) any {
	off := object{"enabled": false}
	return object{
		"source": object{
			"id": key, "name": source.Name, "writeKey": key, "enabled": true, "workspaceId": "muster",
			"config":       object{"statsCollection": object{"errors": off, "metrics": off}},
			"destinations": []any{}, "connections": []any{}, "updatedAt": time.Time{},
		},
		"updatedAt": time.Time{},
		"isHosted":  true,
	}
}
