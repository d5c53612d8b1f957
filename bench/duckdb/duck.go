package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/duckdb/duckdb-go/v2"
)

// duck is DuckDB in memory with the events in a table.
type duck struct {
	connector *duckdb.Connector
	db        *sql.DB
}

func newDuck(ctx context.Context, events []event) (*duck, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, err
	}
	d := &duck{connector, sql.OpenDB(connector)}
	if err := d.fill(ctx, events); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// fill makes the table.
func (d *duck) fill(ctx context.Context, events []event) error {
	for _, statement := range []string{
		"SET threads = 2",
		"CREATE TABLE events (user_id VARCHAR, name VARCHAR, time BIGINT, product VARCHAR, category VARCHAR, price DOUBLE, total DOUBLE)",
	} {
		if _, err := d.db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return d.load(ctx, events)
}

func (d *duck) load(ctx context.Context, events []event) (err error) {
	conn, err := d.connector.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	appender, err := duckdb.NewAppenderFromConn(conn, "", "events")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, appender.Close()) }()
	for _, ev := range events {
		row := [7]driver.Value{ev.user, ev.name, ev.at}
		if ev.name != pageViewed {
			row[3], row[4], row[5] = ev.product, ev.category, ev.amount
		}
		if ev.name == orderCompleted {
			row[5], row[6] = nil, ev.amount
		}
		if err := appender.AppendRow(row[:]...); err != nil {
			return err
		}
	}
	return nil
}

// ask returns the answer to a question.
func (d *duck) ask(ctx context.Context, q question) (n int, err error) {
	err = d.db.QueryRowContext(ctx, q.sql).Scan(&n)
	return n, err
}

func (d *duck) close() error { return errors.Join(d.db.Close(), d.connector.Close()) }
