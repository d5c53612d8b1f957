// Package postgres is a log (replica.Log) in tables of PostgreSQL, for who has that and no
// Kafka: rows are records, a lease in a row says whose a partition is, and a chunk is
// appended by one statement that also checks the epoch. Open makes the tables, all of
// whose names begin with muster_, and brings them up to date.
//
// The view muster_entries has what is told, an entry a row, for whoever reads it with SQL:
//
//	SELECT entry FROM muster_entries WHERE partition = 0 AND number > 1000 ORDER BY number LIMIT 100
//
// # What is guaranteed, and by what
//
// Records of a partition are visible in the order of their numbers, without gaps: who appends
// locks the row that counts them until its transaction ends. Appends to one partition so
// come one after the other; several bodies in one call are one transaction.
//
// A chunk is told in the epoch of the latest fence only, as one UPDATE compares epoch,
// record and number; leases say only who tries. So a worker that stood still for longer than
// its lease, or does not hear that it has lost it, tells nothing twice.
//
// All of it stays as far as the server keeps what it has committed: with synchronous_commit
// off, or after a failover to a standby that lags, records can be lost that were
// acknowledged, and entries that were told. Workers see it where what was told goes beyond what
// is there (replica.ErrLost, ErrDiverged), and a replica.Reader sees what it has read before.
// Where input and output are lost alike nobody can see it but who has read the output: keep
// synchronous_commit on, and the standby synchronous.
//
// # Limits
//
// Owners and readers ask for more every 2 to 128 ms. A worker needs two connections and, for
// each partition, about two more; pgxpool's MaxConns says how many there are. Rows are not
// deleted: records before the oldest snapshot, and chunks that all readers have read, can be.
package postgres
