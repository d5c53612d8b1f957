package ingest

import "strings"

// route is what a path stands for.
type route struct {
	typ   string // of its one message; empty: each says its own
	batch bool
}

var routes = map[string]route{
	"/v1/identify": {typ: "identify"}, "/v1/i": {typ: "identify"},
	"/v1/track": {typ: "track"}, "/v1/t": {typ: "track"},
	"/v1/page": {typ: "page"}, "/v1/p": {typ: "page"},
	"/v1/screen": {typ: "screen"}, "/v1/s": {typ: "screen"},
	"/v1/group": {typ: "group"}, "/v1/g": {typ: "group"},
	"/v1/alias": {typ: "alias"}, "/v1/a": {typ: "alias"},
	"/v1/merge": {typ: typeMerge},
	"/v1/batch": {batch: true}, "/v1/b": {batch: true},
	"/v1/import": {batch: true}, "/beacon/v1/batch": {batch: true},
}

// routeOf returns the route of a path; a slash at its end is nothing.
func routeOf(path string) (route, bool) {
	r, ok := routes[strings.TrimSuffix(path, "/")]
	return r, ok
}
