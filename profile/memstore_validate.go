package profile

import "fmt"

// validate returns an error for a change that no store takes, whatever it
// holds.
func validate(c Change) error {
	switch c := c.(type) {
	case *PutEvent:
		return c.Event.Validate()
	case *PutTraits:
		return c.validate()
	case *PutIDs:
		return c.validate()
	case *Merge:
		return firstError(CheckID("id to merge", c.From), CheckID("id to merge into", c.Into), checkOptional("message id", c.MessageID))
	case *Delete:
		return checkRef(c.Ref)
	case *Join:
		return firstError(CheckID("user id", c.User), CheckID("account id", c.Account), checkOptional("message id", c.MessageID))
	case *Leave:
		return firstError(CheckID("user id", c.User), CheckID("account id", c.Account))
	case *SetMember:
		return c.validate()
	case *DropMembers:
		return CheckID("audience", c.Audience)
	case *SetValue:
		return c.validate()
	case *Tell:
		return nil
	case *SetCursor:
		return CheckID("subscriber", c.Subscriber)
	case *SetRecord:
		return c.validate()
	case *SetPosition:
		return firstError(CheckID("name of a position", c.Name), checkOptional("offset", c.Offset))
	case *SetWake:
		if err := checkRef(c.Wake.Ref); err != nil || c.Wake.At.IsZero() {
			return err
		}
		return CheckTime(c.Wake.At)
	case *DropValues:
		return CheckID("key", c.Key)
	case *UseKey:
		return CheckID("key", c.Record.Key)
	case *SetKey:
		return CheckID("key", c.Record.Key)
	}
	return fmt.Errorf("%w: a change of type %T", ErrInvalid, c)
}

func (c *PutTraits) validate() error {
	return firstError(checkRef(c.Ref), checkOptional("message id", c.MessageID), CheckTime(c.Time))
}

func (c *PutIDs) validate() error {
	if err := checkRef(c.Ref); err != nil {
		return err
	}
	for _, id := range c.IDs {
		if err := firstError(CheckID("external id type", id.Type), CheckID("external id", id.Value)); err != nil {
			return err
		}
	}
	return nil
}

func (c *SetMember) validate() error {
	m := &c.Membership
	if err := CheckID("audience", m.Audience); err != nil {
		return err
	}
	if err := checkRef(m.Ref); err != nil || !c.Member {
		return err // the instant of an exit is not kept
	}
	return CheckTime(m.Since)
}

func (c *SetValue) validate() error {
	v := &c.Value
	if err := firstError(CheckID("key", v.Key), checkRef(v.Ref)); err != nil || v.Value.IsNull() {
		return err // the instant of a removal is not kept
	}
	return CheckTime(v.Since)
}

func (c *SetRecord) validate() error {
	switch n := len(c.Record.Key); {
	case n == 0:
		return fmt.Errorf("%w: key of a record is empty", ErrInvalid)
	case n > MaxRecordKey:
		return fmt.Errorf("%w: key of a record of %d bytes, at most %d", ErrTooLarge, n, MaxRecordKey)
	}
	return CheckID("subscriber", c.Subscriber)
}

func checkRef(ref Ref) error {
	if err := checkSubject(ref.Subject); err != nil {
		return err
	}
	if ref.Subject == Account {
		return CheckID("account id", ref.ID)
	}
	return CheckID("user id", ref.ID)
}

func checkSubject(s Subject) error {
	if s > Account {
		return fmt.Errorf("%w: subject %d", ErrInvalid, s)
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
