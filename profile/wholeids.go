package profile

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// wholeIDs returns a context whose ids that are numbers beyond int64 are text, with
// all their digits: an Object has them as doubles. text is the context's JSON.
func wholeIDs(context Object, text []byte) (Object, error) {
	beyond := false
	group, _ := context.Get("groupId")
	external, _ := context.Get("externalIds")
	beyond = isBeyond(group)
	for item := range external.Items() {
		entry, _ := item.Object()
		id, _ := entry.Get("id")
		beyond = beyond || isBeyond(id)
	}
	if !beyond {
		return context, nil
	}
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	var raw struct {
		GroupID     any              `json:"groupId"`
		ExternalIDs []map[string]any `json:"externalIds"`
	}
	if err := in.Decode(&raw); err != nil {
		return context, fmt.Errorf("%w: context: %w", ErrInvalid, err)
	}
	m := context.Map()
	if isBeyond(group) {
		m["groupId"] = wholeID(raw.GroupID)
	}
	if raw.ExternalIDs != nil {
		list := make([]any, len(raw.ExternalIDs))
		for i, entry := range raw.ExternalIDs {
			entry["id"] = wholeID(entry["id"])
			list[i] = entry
		}
		m["externalIds"] = numbersOf(list)
	}
	return NewObject(m)
}

func isBeyond(v Value) bool { return v.kind == Float && textOfID(v) == "" }

func wholeID(v any) any {
	if n, ok := v.(json.Number); ok {
		if id := idOfNumber([]byte(n)); id != "" {
			return id
		}
	}
	return v
}

// numbersOf replaces numbers in text by those that values have.
func numbersOf(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = numbersOf(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = numbersOf(v[key])
		}
	}
	return v
}
