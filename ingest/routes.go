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

// Routes returns the paths that the handler serves, without their slash at the end, in
// no order: for a mux that other handlers share.
func Routes() []string {
	paths := make([]string, 0, len(routes))
	for path := range routes {
		paths = append(paths, path)
	}
	return paths
}
