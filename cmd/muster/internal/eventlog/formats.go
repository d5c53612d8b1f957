package eventlog

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

type object = map[string]any

// format puts a line of another form into Segment-spec messages, as JSON has them.
type format func(object) ([]object, error)

// formats are those of Open. That of Segment itself needs nothing done.
var formats = map[string]format{
	"segment":     nil,
	"rudderstack": rudderstack,
	"warehouse":   warehouse,
	"posthog":     posthog,
	"amplitude":   amplitude,
	"mixpanel":    mixpanel,
}

// Formats returns the names of the forms that a log may have, ascending.
func Formats() []string { return slices.Sorted(maps.Keys(formats)) }

// rudderstack reads events as RudderStack's SDKs send them and its destinations of
// files keep them. They are Segment's, but that the traits of identify may stand in
// context.traits, which every message may have, and that a line may be a batch:
//
//	{"batch": [MESSAGE...]}
//
// https://www.rudderstack.com/docs/event-spec/
func rudderstack(line object) ([]object, error) {
	batch, ok := line["batch"].([]any)
	if !ok {
		return []object{line}, nil
	}
	var calls []object
	for i, m := range batch {
		call, ok := m.(object)
		if !ok {
			return nil, fmt.Errorf("batch[%d] is no message", i)
		}
		calls = append(calls, call)
	}
	return calls, nil
}

// warehouse reads rows of the tables into which Segment and RudderStack load a
// warehouse (tracks and one table for each event, pages, screens, identifies,
// groups, aliases), as JSON. Read are
//
//	id → messageId, user_id, anonymous_id, previous_id, group_id
//	timestamp, original_timestamp, sent_at, received_at
//	event_text, or else event: of a track call; name, category: of pages and screens
//	context_group_id, context_traits_email, context_traits_phone
//
// and of what is left all but context_* and the loader's own columns as properties
// or traits. A column "table" names the table; without one it is told by the columns
// that only that table has.
//
// https://segment.com/docs/connections/storage/warehouses/schema/
func warehouse(row object) ([]object, error) {
	kinds := map[string]string{
		"tracks": "track", "pages": "page", "screens": "screen", "identifies": "identify", "groups": "group", "aliases": "alias",
	}
	table, _ := row["table"].(string)
	kind, known := kinds[table]
	switch {
	case known:
	case row["event"] != nil || row["event_text"] != nil:
		kind = "track"
	case row["previous_id"] != nil:
		kind = "alias"
	case row["group_id"] != nil:
		kind = "group"
	case row["path"] != nil || row["url"] != nil:
		kind = "page"
	case table != "" && table != "users":
		kind = "track" // a table of one event
	default:
		kind = "identify"
	}
	call := object{"type": kind, "messageId": row["id"]}
	details, context := object{}, object{}
	for column, value := range row {
		switch column {
		case "id", "table", "event", "event_text", "uuid", "uuid_ts", "loaded_at":
		case "user_id", "anonymous_id", "previous_id", "group_id", "timestamp", "original_timestamp", "sent_at", "received_at":
			call[column] = value
		case "context_group_id":
			context["groupId"] = value
		case "context_traits_email", "context_traits_phone":
			traits, _ := context["traits"].(object)
			if traits == nil {
				traits = object{}
			}
			traits[strings.TrimPrefix(column, "context_traits_")] = value
			context["traits"] = traits
		default:
			if !strings.HasPrefix(column, "context_") && value != nil {
				details[column] = value
			}
		}
	}
	call["context"] = context
	switch kind {
	case "identify", "group":
		call["traits"] = details
	case "track":
		call["event"] = first(row["event_text"], row["event"], row["table"])
		call["properties"] = details
	default:
		call["properties"] = details
	}
	return []object{call}, nil
}

// first returns the first value that there is.
func first(values ...any) any {
	for _, v := range values {
		if v != nil && v != "" {
			return v
		}
	}
	return nil
}

func merged(objects ...any) object {
	all := object{}
	for _, o := range objects {
		if m, ok := o.(object); ok {
			maps.Copy(all, m)
		}
	}
	return all
}

func without(o object, keys ...string) object {
	rest := maps.Clone(o)
	for _, key := range keys {
		delete(rest, key)
	}
	return rest
}

func suffixed(id any, suffix string) any {
	if s, ok := id.(string); ok && s != "" {
		return s + "/" + suffix
	}
	return nil
}
