package audience

import (
	"context"
	"fmt"

	"github.com/muster-go/muster/internal/eval"
	"github.com/muster-go/muster/profile"
)

// SetFirstUpgrades sets how many profiles a creation computes with all locks
// held: with 0 all are left to be computed beside the data.
func (e *Engine) SetFirstUpgrades(n int) { e.firstUpgrades = n }

// SetCountsFrom sets of how many users an account keeps counts.
func (e *Engine) SetCountsFrom(n int) { e.countsFrom = n }

// SetTimersHeld sets how many timers of a lane are held in memory at least.
func (e *Engine) SetTimersHeld(n int) {
	for _, sh := range e.shards {
		sh.page = sh.page[:n]
	}
}

// SetSingly has as many steps made one by one, as if others had been in the way of a group.
func (e *Engine) SetSingly(n int) { e.singly.Store(int32(n)) }

// Held returns how many states are in memory.
func (e *Engine) Held() (n int) {
	e.lock()
	defer e.unlock()
	for _, sh := range e.shards {
		n += sh.states.Len()
	}
	return n
}

// Check returns an error if a state breaks an invariant of package eval, or what is stored of
// the users of an account is not so.
func (e *Engine) Check() error {
	e.lock()
	defer e.unlock()
	for _, sh := range e.shards {
		for of, net := range e.nets {
			for p := range sh.states.All(profile.Subject(of)) {
				if err := eval.Check(net, p, sh.last); err != nil {
					return err
				}
			}
		}
	}
	return e.checkCounts()
}

// checkCounts returns an error if what accounts have counted is not what others know of their
// users.
func (e *Engine) checkCounts() error {
	ctx, x := context.Background(), e.x
	x.Ctx, x.Err = ctx, nil
	for id, err := range e.store.Profiles(ctx, profile.Account, "") {
		if err != nil {
			return err
		}
		ref := profile.AccountRef(id)
		kept, p := x.keptOf(ref), e.shardOf(id).states.Get(ref)
		for _, n := range e.nets[profile.Account].Quantified {
			is := profile.UsersCount{Mark: n.Mark}
			for user, err := range e.store.Users(ctx, id) {
				if err != nil {
					return err
				}
				is.Users++
				if x.TruthOf(profile.UserRef(user), n.Others[0]) {
					is.Meet++
				}
			}
			if was, ok := kept.Count(n); ok && was != is {
				return fmt.Errorf("of account %q %+v is stored, it is %+v", id, was, is)
			}
			if p == nil {
				continue
			}
			if i, ok := p.Find(n.ID); ok && (p.Cells[i].Limit != int32(is.Users) || p.Cells[i].Past != int32(is.Meet)) {
				return fmt.Errorf("account %q has counted %d of %d, it is %+v", id, p.Cells[i].Past, p.Cells[i].Limit, is)
			}
		}
	}
	return x.Err
}
