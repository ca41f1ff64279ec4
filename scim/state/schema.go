package state

// schema1 is the first schema. Times are microseconds since 1970; 0 is none.
// {text} and {bytes} are the engine's types.
const schema1 = `
CREATE TABLE sa_head (
	version INTEGER NOT NULL,
	store {text} NOT NULL,
	mark {text} NOT NULL,
	seq BIGINT NOT NULL,
	at BIGINT NOT NULL,
	floor BIGINT NOT NULL
);
INSERT INTO sa_head (version, store, mark, seq, at, floor) VALUES (0, '', '', 0, 0, 0);

CREATE TABLE sa_secret (
	name {text} PRIMARY KEY,
	value {bytes} NOT NULL
);

CREATE TABLE sa_resource (
	type {text} NOT NULL,
	id {text} NOT NULL,
	seq BIGINT NOT NULL,
	gone INTEGER NOT NULL,
	doc {bytes},
	PRIMARY KEY (type, id)
);
CREATE INDEX sa_resource_seq ON sa_resource (type, seq);

CREATE TABLE sa_change (
	seq BIGINT PRIMARY KEY,
	type {text} NOT NULL,
	id {text} NOT NULL,
	op {text} NOT NULL,
	source {text} NOT NULL,
	names {text} NOT NULL,
	txn {text} NOT NULL,
	at BIGINT NOT NULL,
	before {bytes}
);
CREATE INDEX sa_change_resource ON sa_change (type, id, seq);

CREATE TABLE sa_scan (
	type {text} NOT NULL,
	id BIGINT NOT NULL,
	began BIGINT NOT NULL,
	ended BIGINT NOT NULL,
	total BIGINT NOT NULL,
	PRIMARY KEY (type, id)
);

CREATE TABLE sa_page (
	type {text} NOT NULL,
	scan BIGINT NOT NULL,
	no BIGINT NOT NULL,
	at BIGINT NOT NULL,
	total BIGINT NOT NULL,
	docs {bytes},
	PRIMARY KEY (type, scan, no)
);

CREATE TABLE sa_lease (
	name {text} PRIMARY KEY,
	owner {text} NOT NULL,
	fence BIGINT NOT NULL,
	until BIGINT NOT NULL
);

CREATE TABLE sa_value (
	kind {text} NOT NULL,
	key {text} NOT NULL,
	version BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	data {bytes},
	PRIMARY KEY (kind, key)
);
CREATE INDEX sa_value_expires ON sa_value (expires);
`
