package eventlog

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

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
