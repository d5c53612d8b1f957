package audience

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/muster-go/muster/profile"
)

// checkWindows returns an error for a new definition with a window that is longer than
// the store's retention, before anything is done. Where all is one call that finds it.
func (s *syncer) checkWindows(ctx context.Context) error {
	if len(s.plan.Steps) == 0 || s.together(0) == len(s.plan.Steps) {
		return nil
	}
	type place struct {
		of   *syncDefinition
		path string
	}
	var places []place
	var probe []Node
	for _, step := range s.plan.Steps {
		d := s.wanted[step.key()]
		if d == nil {
			continue
		}
		for _, w := range d.windows() {
			e := Event{Name: "any", Window: w.window}
			if slices.ContainsFunc(probe, func(n Node) bool { return n.Event.Window == w.window }) {
				continue
			}
			places, probe = append(places, place{d, w.path}), append(probe, e.Node())
		}
	}
	for at := 0; at < len(probe); at += MaxNodes / 2 {
		some := probe[at:min(len(probe), at+MaxNodes/2)]
		_, err := s.engine.Preview(ctx, Definition{Where: Node{Any: some}}, PreviewOptions{Profiles: 1, Sample: -1})
		var of *DefinitionError
		if !errors.As(err, &of) {
			if err != nil {
				return err
			}
			continue
		}
		var i int
		if _, scanErr := fmt.Sscanf(of.Path, "where.any[%d]", &i); scanErr != nil {
			return err
		}
		return places[at+i].of.fail(places[at+i].path, of.Err)
	}
	return nil
}

// syncWindow is a window of a definition, and where it stands.
type syncWindow struct {
	path   string
	window profile.Window
}

// windows returns the windows of the events that a definition counts.
func (d *syncDefinition) windows() []syncWindow {
	if d.computed != nil && !d.computed.Type.TakesEvents() {
		return nil
	}
	if d.computed != nil {
		return []syncWindow{{"window", d.computed.Window}}
	}
	var found []syncWindow
	var visit func(n *Node, path string)
	visit = func(n *Node, path string) {
		for i := range n.All {
			visit(&n.All[i], fmt.Sprintf("%s.all[%d]", path, i))
		}
		for i := range n.Any {
			visit(&n.Any[i], fmt.Sprintf("%s.any[%d]", path, i))
		}
		if n.Not != nil {
			visit(n.Not, path+".not")
		}
		if n.Event != nil {
			found = append(found, syncWindow{path + ".event.window", n.Event.Reach()})
		}
		if n.Funnel != nil {
			found = append(found, syncWindow{path + ".funnel.window", n.Funnel.Window})
		}
		if u := n.Users; u != nil {
			if of, field := u.Condition(); of != nil {
				visit(of, path+".users."+field)
			}
		}
	}
	visit(&d.audience.Where, "where")
	return found
}
