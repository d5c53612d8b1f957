package eval

import "github.com/muster-go/muster/profile"

// RenewTraits reads the profile's traits anew, of which some changed.
func (r *Run) RenewTraits(changed profile.Object) {
	if r.loadTraits(); r.Err == nil {
		r.changeTraits(changed)
	}
}

// changeTraits brings the traits that just changed to the leaves that read
// them. The profile's state has them already.
func (r *Run) changeTraits(changed profile.Object) {
	r.Words.NoteTraits(r.Profile.Ref.Subject, changed)
	r.Recompute(r.Net.AllTrait...)
	for name := range changed.All() {
		r.Recompute(r.Net.Traits[name]...)
	}
	r.OverReaders(changed)
}

// OverReaders marks, for all users of the account at hand, what reads traits of it that
// just changed.
func (r *Run) OverReaders(changed profile.Object) {
	r.overUsers(r.Net.AllReaders)
	for name := range changed.All() {
		r.overUsers(r.Net.Readers[name])
	}
}
