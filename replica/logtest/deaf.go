package logtest

import (
	"context"

	"github.com/muster-go/muster/replica"
)

// Deaf is a log whose members do not hear that they have lost a partition, or are to leave
// it: they go on until they are refused.
type Deaf struct{ replica.Log }

// Join implements replica.Log.
func (d Deaf) Join(ctx context.Context, name string, run func(context.Context, replica.Partition)) error {
	return d.Log.Join(ctx, name, func(ctx context.Context, p replica.Partition) {
		run(context.WithoutCancel(ctx), deafPartition{p})
	})
}

type deafPartition struct{ replica.Partition }

// Leaving implements replica.Partition.
func (deafPartition) Leaving() <-chan struct{} { return nil }
