package celfilter

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/google/cel-go/cel"
)

// kind is what a variable of the CEL environment stands for.
type kind uint8

const (
	propertiesVar kind = iota
	contextVar
	traitsVar
	accountVar
	idsVar
	timeVar
	nameVar
	idVar
)

// variable is a variable of the CEL environment: a part of the event or of
// what surrounds it, or of the event of an earlier step.
type variable struct {
	kind kind
	step int // index into Input.Steps; -1: the event itself
}

// isMap reports whether v is a map of values, not the time or the name.
func (v variable) isMap() bool { return v.kind <= idsVar }

func (v variable) celType() *cel.Type {
	switch v.kind {
	case timeVar:
		return cel.TimestampType
	case nameVar, idVar:
		return cel.StringType
	case idsVar:
		return cel.MapType(cel.StringType, cel.ListType(cel.StringType))
	}
	return cel.MapType(cel.StringType, cel.DynType)
}

// traitVariables are the variables of every filter. CEL resolves the longest
// declared name, so account needs no type of its own, and anything but
// account.traits is a compile error.
func traitVariables() map[string]variable {
	return map[string]variable{
		"traits":         {traitsVar, -1},
		"account.traits": {accountVar, -1},
		"id":             {idVar, -1},
		"ids":            {idsVar, -1},
	}
}

func eventVariables() map[string]variable {
	vars := traitVariables()
	vars["properties"] = variable{propertiesVar, -1}
	vars["context"] = variable{contextVar, -1}
	vars["timestamp"] = variable{timeVar, -1}
	vars["name"] = variable{nameVar, -1}
	return vars
}

// identifier is what CEL accepts behind a dot.
var identifier = regexp.MustCompile(`^[_a-zA-Z][_a-zA-Z0-9]*$`)

// stepVariables adds steps.NAME.properties and so on for every earlier step.
// A name that CEL cannot spell cannot be referred to, and is left out.
func stepVariables(earlier []string) (map[string]variable, error) {
	vars := eventVariables()
	for i, name := range earlier {
		if slices.Contains(earlier[:i], name) {
			return nil, fmt.Errorf("celfilter: step %q is named twice", name)
		}
		if !identifier.MatchString(name) || name == "in" || name == "true" || name == "false" || name == "null" {
			continue
		}
		prefix := "steps." + name + "."
		vars[prefix+"properties"] = variable{propertiesVar, i}
		vars[prefix+"context"] = variable{contextVar, i}
		vars[prefix+"timestamp"] = variable{timeVar, i}
		vars[prefix+"name"] = variable{nameVar, i}
	}
	return vars, nil
}
