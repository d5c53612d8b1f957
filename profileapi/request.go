package profileapi

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/muster-go/muster/profile"
)

const (
	defaultLimit = 20
	maxLimit     = 200
	maxPath      = 8 << 10  // bytes: two ids of the longest, all of it escaped, and the rest
	maxQuery     = 16 << 10 // bytes
)

// class is a kind of trait; the empty one is any.
type class string

const (
	anyClass      class = ""
	audienceClass class = "audience"
	computedClass class = "computed_trait"
	customClass   class = "custom_trait"
)

// query is all that a request asks for.
type query struct {
	Access
	class   class
	include []string // sorted, each once; nil is everything
	exclude []string // sorted, each once
	start   time.Time
	end     time.Time // zero: there is no end
	oldest  bool      // events come first that were first
	verbose bool
	limit   int
	next    string // a cursor, as it came; empty: the first page
}

// includes reports whether the query asks for what has this name or type.
func (q *query) includes(name string) bool {
	if _, found := slices.BinarySearch(q.exclude, name); found {
		return false
	}
	if q.include == nil {
		return true
	}
	_, found := slices.BinarySearch(q.include, name)
	return found
}

// order returns the parameter sort of the query; empty is the default.
func (q *query) order() string {
	if q.oldest {
		return "asc"
	}
	return ""
}

// timeParameter writes a time as start and end take it; the zero time is none.
func timeParameter(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// parse reads a request's method, path and parameters.
func parse(r *http.Request) (query, error) {
	path := r.URL.EscapedPath()
	if len(path) > maxPath || len(r.URL.RawQuery) > maxQuery {
		return query{}, errTooLong
	}
	access, id, ok := splitPath(path)
	if !ok {
		return query{}, errNoResource
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return query{}, errMethod
	}
	q := query{Access: access, limit: defaultLimit}
	var err error
	if q.ID, err = parseID(id); err != nil {
		return query{}, err
	}
	return q, q.parseParameters(r.URL.RawQuery)
}

// splitPath takes an escaped path apart. What is between two slashes is still
// escaped, so a slash within an id is none of the path's.
func splitPath(path string) (a Access, id string, ok bool) {
	part := strings.Split(path, "/")
	if len(part) < 3 || part[0] != "" || part[1] != "v1" {
		return Access{}, "", false
	}
	part = part[2:]
	if len(part) > 2 && part[0] == "spaces" {
		space, err := url.PathUnescape(part[1])
		if err != nil || space == "" {
			return Access{}, "", false
		}
		a.Space, part = space, part[2:]
	}
	if len(part) != 5 || part[0] != "collections" || part[2] != "profiles" {
		return Access{}, "", false
	}
	switch part[1] {
	case "users":
		a.Subject = profile.User
	case "accounts":
		a.Subject = profile.Account
	default:
		return Access{}, "", false
	}
	a.Resource = Resource(part[4])
	_, ok = parameters[a.Resource]
	return a, part[3], ok
}

// parseID reads {type}:{id}.
func parseID(escaped string) (profile.ExternalID, error) {
	typ, value, found := strings.Cut(escaped, ":")
	both, err := url.PathUnescape(escaped)
	if err != nil {
		return profile.ExternalID{}, invalid("the id has a malformed escape")
	}
	if found {
		typ, _ = url.PathUnescape(typ) // no escape is malformed
		value, _ = url.PathUnescape(value)
	} else if typ, value, found = strings.Cut(both, ":"); !found {
		return profile.ExternalID{}, invalid("a profile is named by {type}:{id}, say user_id:u1")
	}
	if profile.CheckID("type", typ) != nil || profile.CheckID("id", value) != nil {
		return profile.ExternalID{}, invalid("the type and the id are UTF-8 of 1 to " + strconv.Itoa(profile.MaxID) + " bytes each")
	}
	return profile.ExternalID{Type: typ, Value: value}, nil
}

// parameters are those of each resource.
var parameters = map[Resource][]string{
	Traits:      {"limit", "next", "include", "exclude", "class", "verbose"},
	Events:      {"limit", "next", "include", "exclude", "start", "end", "sort", "verbose"},
	ExternalIDs: {"limit", "next", "include", "exclude", "verbose"},
	Links:       {"limit", "next", "verbose"},
	Metadata:    {"verbose"},
}

func (q *query) parseParameters(raw string) error {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return invalid("the query is malformed")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(parameters[q.Resource], name) {
			return invalid("an unknown parameter: " + string(q.Resource) + " take " + strings.Join(parameters[q.Resource], ", "))
		}
		given := values[name]
		if len(given) > 1 && name != "include" && name != "exclude" {
			return invalid("a parameter other than include and exclude is given twice")
		}
		if err := q.parseParameter(name, given); err != nil {
			return err
		}
	}
	return nil
}

func (q *query) parseParameter(name string, given []string) (err error) {
	value := given[0]
	switch name {
	case "limit":
		q.limit, err = strconv.Atoi(value)
		if err != nil || q.limit < 1 || q.limit > maxLimit {
			return invalid("limit is a number from 1 to " + strconv.Itoa(maxLimit))
		}
	case "next":
		q.next = value
	case "class":
		switch q.class = class(value); q.class {
		case audienceClass, computedClass, customClass:
		default:
			return invalid("class is audience, computed_trait or custom_trait")
		}
	case "include":
		q.include, err = parseNames(name, given)
	case "exclude":
		q.exclude, err = parseNames(name, given)
	case "start":
		q.start, err = parseTime(name, value)
	case "end":
		q.end, err = parseTime(name, value)
	case "sort":
		q.oldest = value == "asc"
		if !q.oldest && value != "desc" {
			return invalid("sort is asc or desc")
		}
	case "verbose":
		q.verbose = value == "true"
		if !q.verbose && value != "false" {
			return invalid("verbose is true or false")
		}
	}
	return err
}

// parseNames reads lists of names: sorted, each once.
func parseNames(parameter string, given []string) (names []string, err error) {
	for _, list := range given {
		names = append(names, splitNames(list)...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if names[0] == "" {
		return nil, invalid(parameter + " has an empty name")
	}
	return names, nil
}

func parseTime(parameter, text string) (time.Time, error) {
	t, ok := profile.ParseTime(profile.StringValue(text))
	if !ok {
		return time.Time{}, invalid(parameter + " is a time, say 2026-03-01 or 2026-03-01T12:00:00Z")
	}
	return t, nil
}

// splitNames splits a list at its commas. A backslash makes what follows it a
// part of the name.
func splitNames(text string) []string {
	var names []string
	var name []byte
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			name = append(name, text[i])
		case c == ',':
			names = append(names, string(name))
			name = name[:0]
		default:
			name = append(name, c)
		}
	}
	return append(names, string(name))
}

var escapeName = strings.NewReplacer(`\`, `\\`, `,`, `\,`)

// joinNames writes names as a list.
func joinNames(names []string) string {
	escaped := make([]string, len(names))
	for i, name := range names {
		escaped[i] = escapeName.Replace(name)
	}
	return strings.Join(escaped, ",")
}

// url returns the address of the page that a cursor is of.
func (q *query) url(path, next string) string {
	values := url.Values{}
	if q.limit != defaultLimit {
		values.Set("limit", strconv.Itoa(q.limit))
	}
	if q.class != anyClass {
		values.Set("class", string(q.class))
	}
	for name, value := range map[string]string{
		"include": joinNames(q.include), "exclude": joinNames(q.exclude),
		"start": timeParameter(q.start), "end": timeParameter(q.end), "sort": q.order(),
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if q.verbose {
		values.Set("verbose", "true")
	}
	values.Set("next", next)
	return path + "?" + values.Encode()
}

// requestPath returns the path as the caller wrote it, also where a mux has cut
// a prefix off.
func requestPath(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if path == "" { // it did not come over the network
		return r.URL.EscapedPath()
	}
	return path
}
