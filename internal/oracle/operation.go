package oracle

import (
	"time"

	"github.com/muster-go/muster/audience"
	"github.com/muster-go/muster/profile"
	"github.com/muster-go/muster/trait"
)

// Operation is one entry of a history: one of the types below.
type Operation interface{ operation() }

// Sender is what a message says of who sent it, beside the profile's id.
type Sender struct {
	Visitor bool   // the profile's id is an anonymous one
	Email   string // an id of type email: empty, none
	Device  string // an anonymous id that came with the id of a user: empty, none
}

// Track is the arrival of an event.
type Track struct {
	Sender
	Event profile.Event
}

// Identify is the arrival of traits of a user.
type Identify struct {
	Sender
	Profile   string
	Traits    profile.Object
	Time      time.Time
	MessageID string
}

// Group attaches a user to an account and sets traits of the account.
type Group struct {
	Sender
	Profile, Account string
	Traits           profile.Object
	Time             time.Time
	MessageID        string // known to the user and to the account
}

// Merge makes From and Into one profile, under Into's id, which is a user's.
type Merge struct {
	From, Into string
	email      string // that came with it
}

// Delete removes a profile with all that is its own. The ids of its messages
// stay known.
type Delete struct{ Profile string }

// Leave detaches a user from an account.
type Leave struct{ Profile, Account string }

// DeleteAccount removes an account, with its traits and its hold on users. The
// ids of its messages stay known. The events that were sent for it are theirs, and count again
// when a group call makes the account anew.
type DeleteAccount struct{ Account string }

// Create begins audiences and computed traits. Those without backfill count
// what arrives later.
type Create struct {
	Definitions []audience.Definition
	Traits      []trait.Computed
}

// Edit gives a computed trait another definition, which begins now.
type Edit struct{ Trait trait.Computed }

// EditAudience gives an audience another definition, which begins now; also one that is
// paused: then its members stay.
type EditAudience struct{ Definition audience.Definition }

// Recompute has the members of batch audiences computed.
type Recompute struct{ Audiences []string }

// Drop ends an audience.
type Drop struct{ Audience string }

// DropTrait ends a computed trait.
type DropTrait struct{ Trait string }

func (Track) operation()         {}
func (Identify) operation()      {}
func (Group) operation()         {}
func (Leave) operation()         {}
func (Merge) operation()         {}
func (Delete) operation()        {}
func (DeleteAccount) operation() {}
func (Create) operation()        {}
func (Edit) operation()          {}
func (EditAudience) operation()  {}
func (Recompute) operation()     {}
func (Drop) operation()          {}
func (DropTrait) operation()     {}
