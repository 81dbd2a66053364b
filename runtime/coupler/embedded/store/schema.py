"""Tables of the engine's database.

Partial indexes spell their states out as literals, and so must the queries: with a bound state SQLite cannot use them.
``due`` columns are epoch milliseconds; an index of its own for each replaces timers in memory, so that a restart
needs no recovery.
"""

from __future__ import annotations

VERSION = 1

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('next_key', 1), ('version', 1);

CREATE TABLE definition (
    key INTEGER PRIMARY KEY,
    process_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    resource_name TEXT NOT NULL,
    digest BLOB NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (process_id, version)
);

CREATE TABLE process_instance (
    key INTEGER PRIMARY KEY,
    definition_key INTEGER NOT NULL,
    state TEXT NOT NULL,
    parent_key INTEGER NOT NULL DEFAULT 0,
    correlation_key TEXT,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    summary TEXT NOT NULL DEFAULT ''
);
CREATE INDEX process_instance_ended ON process_instance (key) WHERE ended_ms IS NOT NULL;
CREATE INDEX process_instance_correlation ON process_instance (correlation_key)
    WHERE correlation_key IS NOT NULL;
CREATE INDEX process_instance_parent ON process_instance (parent_key) WHERE parent_key <> 0;

CREATE TABLE element (
    key INTEGER PRIMARY KEY,
    scope_key INTEGER NOT NULL,
    process_instance_key INTEGER NOT NULL,
    definition_key INTEGER NOT NULL,
    element_id TEXT NOT NULL,
    state TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    job_key INTEGER NOT NULL,
    role TEXT NOT NULL,
    loop_index INTEGER NOT NULL
);
CREATE INDEX element_scope ON element (scope_key);

CREATE TABLE variable (
    scope_key INTEGER NOT NULL,
    name TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (scope_key, name)
) WITHOUT ROWID;

CREATE TABLE arrived_token (
    scope_key INTEGER NOT NULL,
    gateway_id TEXT NOT NULL,
    flow_id TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (scope_key, gateway_id, flow_id)
) WITHOUT ROWID;

CREATE TABLE pending_flow (
    id INTEGER PRIMARY KEY,
    scope_key INTEGER NOT NULL,
    flow_id TEXT NOT NULL
);

CREATE TABLE job (
    key INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    retries INTEGER NOT NULL,
    due INTEGER,
    worker TEXT NOT NULL DEFAULT '',
    scope_path TEXT NOT NULL,
    process_instance_key INTEGER NOT NULL,
    definition_key INTEGER NOT NULL,
    element_id TEXT NOT NULL,
    element_key INTEGER NOT NULL,
    headers TEXT NOT NULL
);
CREATE INDEX job_ready ON job (type, key) WHERE state = 'ready';
CREATE INDEX job_due ON job (due) WHERE due IS NOT NULL;

CREATE TABLE timer (
    key INTEGER PRIMARY KEY,
    due INTEGER NOT NULL,
    element_key INTEGER NOT NULL,
    target_id TEXT NOT NULL,
    repetitions INTEGER NOT NULL,
    months INTEGER NOT NULL,
    milliseconds INTEGER NOT NULL
);
CREATE INDEX timer_due ON timer (due);
CREATE INDEX timer_element ON timer (element_key);

CREATE TABLE subscription (
    key INTEGER PRIMARY KEY,
    message_name TEXT NOT NULL,
    correlation_key TEXT NOT NULL,
    element_key INTEGER NOT NULL,
    target_id TEXT NOT NULL,
    process_id TEXT NOT NULL
);
CREATE INDEX subscription_message ON subscription (message_name, correlation_key);
CREATE INDEX subscription_element ON subscription (element_key);

CREATE TABLE message (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    correlation_key TEXT NOT NULL,
    message_id TEXT NOT NULL,
    variables BLOB NOT NULL,
    expires INTEGER NOT NULL
);
CREATE INDEX message_name ON message (name, correlation_key);
CREATE INDEX message_expires ON message (expires);

CREATE TABLE correlation (
    message_key INTEGER NOT NULL,
    process_id TEXT NOT NULL,
    PRIMARY KEY (message_key, process_id)
) WITHOUT ROWID;

CREATE TABLE incident (
    key INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    message TEXT NOT NULL,
    element_key INTEGER NOT NULL,
    element_id TEXT NOT NULL,
    process_instance_key INTEGER NOT NULL,
    definition_key INTEGER NOT NULL,
    job_key INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
);
CREATE INDEX incident_element ON incident (element_key);
CREATE INDEX incident_instance ON incident (process_instance_key);
"""
