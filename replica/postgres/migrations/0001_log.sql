-- The input: one row a record. muster_input has the number and time of the last one, whose
-- row is locked until an append is committed, so that records become visible in their order.
CREATE TABLE muster_input (
	partition   integer PRIMARY KEY,
	last_record bigint NOT NULL DEFAULT 0,
	last_time   timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE TABLE muster_records (
	partition integer NOT NULL,
	number    bigint NOT NULL,
	at        timestamptz NOT NULL,
	body      bytea NOT NULL,
	PRIMARY KEY (partition, number)
);

-- Who has a partition, and where its output ends: a chunk is taken from the present epoch
-- alone, and only behind the last one.
CREATE TABLE muster_output (
	partition   integer PRIMARY KEY,
	owner       text,
	lease_until timestamptz NOT NULL DEFAULT '-infinity',
	epoch       bigint NOT NULL DEFAULT 0,
	place       bigint NOT NULL DEFAULT 0,
	record      bigint NOT NULL DEFAULT 0,
	number      bigint NOT NULL DEFAULT 0,
	head        text
);
CREATE TABLE muster_chunks (
	partition integer NOT NULL,
	place     bigint NOT NULL,
	head      text NOT NULL,
	entries   bytea[] NOT NULL,
	PRIMARY KEY (partition, place)
);

-- What is told, a row an entry, for whoever reads it with SQL.
CREATE VIEW muster_entries AS
	SELECT c.partition, (e.entry ->> 'number')::bigint AS number, c.place, e.entry
	FROM muster_chunks c
	CROSS JOIN LATERAL (SELECT convert_from(body, 'UTF8')::jsonb AS entry FROM unnest(c.entries) AS body) e;

CREATE TABLE muster_members (
	member      text PRIMARY KEY,
	alive_until timestamptz NOT NULL
);
CREATE TABLE muster_blobs (
	name text NOT NULL,
	part integer NOT NULL,
	body bytea NOT NULL,
	PRIMARY KEY (name, part)
);
CREATE TABLE muster_placements (
	id        text PRIMARY KEY,
	partition integer NOT NULL
);
