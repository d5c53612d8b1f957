package profileapi

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

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
	limit   int
	next    string // a cursor, as it came; empty: the first page
}

// includes reports whether the query asks for what has this name or type.
func (q *query) includes(name string) bool {
	if q.include == nil {
		return true
	}
	_, found := slices.BinarySearch(q.include, name)
	return found
}

// parse reads a request's method, path and parameters.
func parse(r *http.Request) (query, error) {
	path := r.URL.EscapedPath()
	if len(path) > maxPath || len(r.URL.RawQuery) > maxQuery {
		return query{}, errTooLong
	}
	subject, id, resource, ok := splitPath(path)
	if !ok {
		return query{}, errNoResource
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return query{}, errMethod
	}
	q := query{Access: Access{Subject: subject, Resource: resource}, limit: defaultLimit}
	var err error
	if q.ID, err = parseID(id); err != nil {
		return query{}, err
	}
	return q, q.parseParameters(r.URL.RawQuery)
}

// splitPath takes an escaped path apart. What is between two slashes is still
// escaped, so a slash within an id is none of the path's.
func splitPath(path string) (s profile.Subject, id string, resource Resource, ok bool) {
	rest, ok := strings.CutPrefix(path, "/v1/collections/")
	if !ok {
		return 0, "", "", false
	}
	part := strings.Split(rest, "/")
	if len(part) != 4 || part[1] != "profiles" {
		return 0, "", "", false
	}
	switch part[0] {
	case "users":
		s = profile.User
	case "accounts":
		s = profile.Account
	default:
		return 0, "", "", false
	}
	switch resource = Resource(part[3]); resource {
	case Traits, Events, ExternalIDs:
		return s, part[2], resource, true
	}
	return 0, "", "", false
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

func (q *query) parseParameters(raw string) error {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return invalid("the query is malformed")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		given := values[name]
		value := given[0]
		switch {
		case len(given) > 1 && name != "include":
			return invalid("a parameter other than include is given twice")
		case name == "limit":
			q.limit, err = strconv.Atoi(value)
			if err != nil || q.limit < 1 || q.limit > maxLimit {
				return invalid("limit is a number from 1 to " + strconv.Itoa(maxLimit))
			}
		case name == "next":
			q.next = value
		case name == "class" && q.Resource == Traits:
			switch q.class = class(value); q.class {
			case audienceClass, computedClass, customClass:
			default:
				return invalid("class is audience, computed_trait or custom_trait")
			}
		case name == "include":
			for _, names := range given {
				q.include = append(q.include, splitNames(names)...)
			}
			slices.Sort(q.include)
			q.include = slices.Compact(q.include)
			if q.include[0] == "" {
				return invalid("include has an empty name")
			}
		default:
			return invalid("an unknown parameter: " + string(q.Resource) + " take " + q.parameters())
		}
	}
	return nil
}

// parameters lists those of the resource.
func (q *query) parameters() string {
	if q.Resource == Traits {
		return "limit, next, include and class"
	}
	return "limit, next and include"
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

// url returns the address of the page that a cursor is of: of the first one for
// none.
func (q *query) url(path, next string) string {
	values := url.Values{}
	if q.limit != defaultLimit {
		values.Set("limit", strconv.Itoa(q.limit))
	}
	if q.class != anyClass {
		values.Set("class", string(q.class))
	}
	if q.include != nil {
		names := make([]string, len(q.include))
		for i, name := range q.include {
			names[i] = escapeName.Replace(name)
		}
		values.Set("include", strings.Join(names, ","))
	}
	if next != "" {
		values.Set("next", next)
	}
	if len(values) == 0 {
		return path
	}
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
