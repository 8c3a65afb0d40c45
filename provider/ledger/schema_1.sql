-- Version 1. Usage is piecewise constant in height, so a row is written only when something changes: a lease of a year is one
-- span, not five million rows. Amounts scaled by 10^18 do not fit 64 bits and are stored as text.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

-- One row: the last block whose effects are in this file. Moves in the same transaction as those effects.
CREATE TABLE head (
  one          INTEGER PRIMARY KEY CHECK (one = 1),
  height       INTEGER NOT NULL,
  time_unix_ns INTEGER NOT NULL
) STRICT;

-- The lease used these resources, at this rate, in the blocks from_height < h <= to_height; to_height NULL while it runs.
CREATE TABLE span (
  lease        TEXT    NOT NULL,
  from_height  INTEGER NOT NULL,
  to_height    INTEGER,
  denom        TEXT    NOT NULL,
  rate_e18     TEXT    NOT NULL,
  cpu_milli    INTEGER NOT NULL,
  memory_bytes INTEGER NOT NULL,
  gpu_units    INTEGER NOT NULL,
  gpu_model    TEXT    NOT NULL,
  storage_json TEXT    NOT NULL,
  PRIMARY KEY (lease, from_height)
) STRICT;

-- Money the chain paid out for a lease, in whole micro-units; amount is what was new since the row before.
CREATE TABLE settlement (
  lease   TEXT    NOT NULL,
  height  INTEGER NOT NULL,
  denom   TEXT    NOT NULL,
  amount  INTEGER NOT NULL,
  reason  TEXT    NOT NULL,
  PRIMARY KEY (lease, height)
) STRICT;

CREATE TABLE closing (
  lease  TEXT    PRIMARY KEY,
  height INTEGER NOT NULL,
  reason INTEGER NOT NULL
) STRICT;

-- What was decided about an order, for people who ask why; pruned by age.
CREATE TABLE decision (
  orderid TEXT    NOT NULL,
  height  INTEGER NOT NULL,
  outcome TEXT    NOT NULL,
  reason  TEXT    NOT NULL,
  detail  TEXT    NOT NULL,
  price   TEXT    NOT NULL
) STRICT;
CREATE INDEX decision_by_order ON decision (orderid);
CREATE INDEX decision_by_height ON decision (height);
