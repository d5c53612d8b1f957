package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

type object = map[string]any

// format puts a line of another form into Segment-spec messages, as JSON has them.
type format func(object) ([]object, error)

// formats are those of -format. That of Segment itself needs nothing done.
var formats = map[string]format{
	"segment":     nil,
	"rudderstack": rudderstack,
	"warehouse":   warehouse,
	"posthog":     posthog,
	"amplitude":   amplitude,
	"mixpanel":    mixpanel,
}

func formatNames() string { return strings.Join(slices.Sorted(maps.Keys(formats)), ", ") }

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

// posthog reads PostHog's events, as its API and batch exports have them:
//
//	event, distinct_id, timestamp, uuid → messageId, properties
//	properties.$set → traits; $device_id; $anon_distinct_id; alias; $group_type, $group_key, $group_set
//
// $identify, $set, $create_alias, $groupidentify, $pageview and $screen are calls of
// their own. A distinct_id that is the device's is an anonymous one. Groups are
// named by type and key: "company:acme".
//
// https://posthog.com/docs/api/capture
func posthog(line object) ([]object, error) {
	properties, _ := line["properties"].(object)
	event, _ := line["event"].(string)
	if event == "" {
		return nil, errors.New("no event")
	}
	id := first(line["distinct_id"], properties["distinct_id"])
	call := object{"messageId": first(line["uuid"], properties["$insert_id"]), "timestamp": line["timestamp"]}
	set := merged(properties["$set_once"], properties["$set"], line["$set"])
	if id != nil && id == properties["$device_id"] {
		call["anonymousId"] = id
	} else {
		call["userId"] = id
	}
	switch event {
	case "$identify", "$set":
		call["type"], call["traits"] = "identify", set
		call["userId"] = id
		call["anonymousId"] = properties["$anon_distinct_id"]
		return []object{call}, nil
	case "$create_alias", "$merge_dangerously":
		call["type"], call["userId"], call["previousId"] = "alias", id, properties["alias"]
		delete(call, "anonymousId")
		return []object{call}, nil
	case "$groupidentify":
		call["type"], call["traits"] = "group", properties["$group_set"]
		call["groupId"] = fmt.Sprintf("%v:%v", properties["$group_type"], properties["$group_key"])
		return []object{call}, nil
	case "$pageview":
		call["type"] = "page"
	case "$screen":
		call["type"] = "screen"
	default:
		call["type"], call["event"] = "track", event
	}
	call["properties"] = without(properties, "$set", "$set_once", "distinct_id", "$insert_id")
	calls := []object{call}
	if len(set) > 0 { // any event may set traits
		traits := maps.Clone(call)
		traits["type"], traits["traits"] = "identify", set
		traits["messageId"] = suffixed(call["messageId"], "set")
		calls = append(calls, traits)
	}
	return calls, nil
}

// amplitude reads the events of Amplitude's export API:
//
//	event_type, user_id, device_id → anonymousId, event_properties, $insert_id or uuid → messageId
//	event_time, or else client_event_time; user_properties; groups: {"company": ["acme"]}
//
// $identify sets traits, and $groupidentify those of groups. Groups are named by
// type and id: "company:acme"; an event is of the first.
//
// https://www.docs.developers.amplitude.com/analytics/apis/export-api/
func amplitude(line object) ([]object, error) {
	event, _ := line["event_type"].(string)
	if event == "" {
		return nil, errors.New("no event_type")
	}
	call := object{
		"userId": line["user_id"], "anonymousId": line["device_id"],
		"messageId": first(line["$insert_id"], line["insert_id"], line["uuid"]),
		"timestamp": first(line["event_time"], line["client_event_time"]),
	}
	group := ""
	groups, _ := line["groups"].(object)
	for _, kind := range slices.Sorted(maps.Keys(groups)) {
		if ids, ok := groups[kind].([]any); ok && len(ids) > 0 && group == "" {
			group = fmt.Sprintf("%s:%v", kind, ids[0])
		}
	}
	switch {
	case event == "$identify":
		call["type"], call["traits"] = "identify", line["user_properties"]
	case event == "$groupidentify":
		call["type"], call["groupId"], call["traits"] = "group", group, line["group_properties"]
	default:
		call["type"], call["event"], call["properties"] = "track", event, line["event_properties"]
		if group != "" {
			call["context"] = object{"groupId": group}
		}
	}
	return []object{call}, nil
}

// mixpanel reads Mixpanel's raw event export, and its export of people:
//
//	{"event": ..., "properties": {"time", "distinct_id", "$user_id", "$device_id", "$insert_id" → messageId, ...}}
//	{"$distinct_id": ..., "$properties": {"$last_seen" → timestamp, "$email" → email, "$phone" → phone, ...}}
//
// $identify and $create_alias are calls of their own. A distinct id that begins with
// "$device:" is an anonymous one.
//
// https://docs.mixpanel.com/docs/export-methods
func mixpanel(line object) ([]object, error) {
	if people, ok := line["$properties"].(object); ok {
		traits := without(people, "$last_seen")
		for _, name := range []string{"email", "phone", "name"} {
			if v, ok := traits["$"+name]; ok {
				traits[name] = v
				delete(traits, "$"+name)
			}
		}
		call := object{"type": "identify", "timestamp": people["$last_seen"], "traits": traits}
		call["userId"], call["anonymousId"] = mixpanelIDs(object{"distinct_id": line["$distinct_id"]})
		return []object{call}, nil
	}
	event, _ := line["event"].(string)
	properties, _ := line["properties"].(object)
	if event == "" || properties == nil {
		return nil, errors.New("no event with properties")
	}
	call := object{"timestamp": properties["time"], "messageId": properties["$insert_id"]}
	call["userId"], call["anonymousId"] = mixpanelIDs(properties)
	switch event {
	case "$identify":
		call["type"] = "identify"
		call["userId"] = first(properties["$identified_id"], call["userId"])
		_, call["anonymousId"] = mixpanelIDs(object{"$device_id": properties["$anon_id"]})
	case "$create_alias":
		call["type"], call["userId"], call["previousId"] = "alias", properties["distinct_id"], properties["alias"]
		delete(call, "anonymousId")
	default:
		call["type"], call["event"] = "track", event
		call["properties"] = without(properties, "time", "distinct_id", "$user_id", "$device_id", "$insert_id")
	}
	return []object{call}, nil
}

func mixpanelIDs(properties object) (user, device any) {
	user, device = properties["$user_id"], properties["$device_id"]
	if id, ok := properties["distinct_id"].(string); ok && user == nil {
		if anonymous, is := strings.CutPrefix(id, "$device:"); is {
			device = first(device, anonymous)
		} else if id != device {
			user = id
		}
	}
	if id, ok := device.(string); ok {
		device = strings.TrimPrefix(id, "$device:")
	}
	return user, device
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
