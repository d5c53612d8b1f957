package logtest

import (
	"errors"

	"github.com/muster-go/muster/replica"
)

// Operation is what a fault may befall.
type Operation int

// The operations.
const (
	AppendInput Operation = iota
	ReadInput
	Fence
	AppendOutput
	ReadOutput
)

// Fault is what happens instead of an operation.
type Fault int

// The faults. Those of records befall what is read of the input.
const (
	None      Fault = iota
	Refused         // it fails, and has done nothing
	Unknown         // it fails, and is done
	Missing         // a record is left out
	Repeated        // a record comes twice
	Reordered       // two records change places
)

// errFault is the error of an operation that a fault befalls.
var errFault = errors.New("a fault of the test")

func (m *Memory) fault(op Operation, partition int) Fault {
	if m.Fault == nil {
		return None
	}
	return m.Fault(op, partition)
}

// disturb does to records what a fault does. Where that needs more of them than there are it
// does nothing.
func disturb(records []replica.Record, fault Fault) []replica.Record {
	n := len(records)
	switch {
	case fault == Missing && n > 1:
		return append(records[:n/2:n/2], records[n/2+1:]...)
	case fault == Repeated && n > 0:
		return append(records[:n/2+1:n/2+1], records[n/2:]...)
	case fault == Reordered && n > 1:
		records[n/2-1], records[n/2] = records[n/2], records[n/2-1]
	}
	return records
}
