package audience

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/muster-go/muster/internal/strictjson"
	"github.com/muster-go/muster/trait"
)

// syncTree is the JSON form of a definition, decoded: maps, lists, texts, numbers with
// their digits, and booleans. What says no more than the default says is not in it, so
// definitions that mean the same by their defaults have equal trees.
func syncTree(definition any) (map[string]any, error) {
	text, err := strictjson.Encode(definition)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree map[string]any
	if err := decoder.Decode(&tree); err != nil {
		return nil, err
	}
	syncDropDefaults(tree)
	return tree, nil
}

// syncDropDefaults removes the defaults that have a written form: a count of at least
// one, and the least frequency of a most frequent value.
func syncDropDefaults(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			syncDropDefaults(item)
		}
	case map[string]any:
		if count, ok := v["count"].(map[string]any); ok && len(count) == 1 && count["at_least"] == json.Number("1") {
			delete(v, "count")
		}
		if v["min_frequency"] == json.Number(fmt.Sprint(trait.DefaultFrequency)) {
			delete(v, "min_frequency")
		}
		for _, item := range v {
			syncDropDefaults(item)
		}
	}
}

// syncDiff appends the places in which two trees differ.
func syncDiff(into []Difference, path string, old, new any) []Difference {
	if reflect.DeepEqual(old, new) {
		return into
	}
	switch o := old.(type) {
	case map[string]any:
		if n, ok := new.(map[string]any); ok {
			return syncDiffMaps(into, path, o, n)
		}
	case []any:
		if n, ok := new.([]any); ok {
			return syncDiffLists(into, path, o, n)
		}
	}
	return append(into, Difference{Path: path, Old: syncText(old), New: syncText(new)})
}

func syncDiffMaps(into []Difference, path string, old, new map[string]any) []Difference {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(old)), maps.Keys(new))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		o, was := old[key]
		n, is := new[key]
		at := strings.TrimPrefix(path+"."+key, ".")
		switch {
		case !was:
			into = append(into, Difference{Path: at, New: syncText(n)})
		case !is:
			into = append(into, Difference{Path: at, Old: syncText(o)})
		default:
			into = syncDiff(into, at, o, n)
		}
	}
	return into
}

// syncDiffLists compares what is left between the items that two lists begin and end
// with alike. As many items on both sides are compared one by one; else those of the
// old list are gone and those of the new one are there instead. Paths count in the list
// that has the item.
func syncDiffLists(into []Difference, path string, old, new []any) []Difference {
	at := 0
	for len(old) > at && len(new) > at && reflect.DeepEqual(old[at], new[at]) {
		at++
	}
	old, new = old[at:], new[at:]
	for len(old) > 0 && len(new) > 0 && reflect.DeepEqual(old[len(old)-1], new[len(new)-1]) {
		old, new = old[:len(old)-1], new[:len(new)-1]
	}
	place := func(i int) string { return fmt.Sprintf("%s[%d]", path, at+i) }
	if len(old) == len(new) {
		for i := range old {
			into = syncDiff(into, place(i), old[i], new[i])
		}
		return into
	}
	for i := range old {
		into = append(into, Difference{Path: place(i), Old: syncText(old[i])})
	}
	for i := range new {
		into = append(into, Difference{Path: place(i), New: syncText(new[i])})
	}
	return into
}

// syncText writes a part of a tree, which JSON has a form for as it came from there.
func syncText(v any) json.RawMessage {
	text, err := strictjson.Encode(v)
	if err != nil {
		return json.RawMessage(fmt.Sprintf("%q", err.Error()))
	}
	return text
}
