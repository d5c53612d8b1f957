package profile

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// noIDs are what broken clients send for an id that they do not have, in lower
// case: what languages print of nothing, and names of the thing instead of it.
var noIDs = map[string]bool{
	"undefined": true, "null": true, "nil": true, "none": true, "nan": true, "(null)": true, "<null>": true, "<nil>": true,
	"[object object]": true, "true": true, "false": true, "0": true, "-1": true, "n/a": true, "na": true,
	"anonymous": true, "guest": true, "unknown": true, "not_authenticated": true, "unauthenticated": true, "not set": true, "(not set)": true,
	"id": true, "userid": true, "user_id": true, "anonymousid": true, "anonymous_id": true, "distinctid": true, "distinct_id": true,
	"email": true, "00000000-0000-0000-0000-000000000000": true,
}

// NoID reports whether a text is none of anybody's ids, but what broken clients
// send for none: "undefined", "null", "0", "NaN", "anonymous", "[object Object]" and
// their like, in any letter case, quoted or with blanks around, and blanks alone. If
// they were ids, all the people without one would be one person.
func NoID(id string) bool {
	if len(id) > 40 && strings.TrimSpace(id) != "" {
		return false
	}
	id = strings.TrimSpace(strings.Trim(strings.TrimSpace(id), `"'`))
	return id == "" || noIDs[strings.ToLower(id)]
}

// idOfNumber returns the text of an id that is written as a number: whole numbers in
// decimal, 17.0 as 17, and beyond int64 all digits, as they are written. It is
// empty for another number.
func idOfNumber(number []byte) string {
	if !bytes.ContainsAny(number, ".eE") {
		return string(number)
	}
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return ""
	}
	return strconv.FormatFloat(f+0, 'f', -1, 64)
}
