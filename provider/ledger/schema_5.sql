-- Version 5. Sweeps: what is about to be sent to the operator's own account, and what became of it. Of at most one row the end is
-- open.
CREATE TABLE sweep (
  id              INTEGER PRIMARY KEY,
  proposed_unix_s INTEGER NOT NULL,
  due_unix_s      INTEGER NOT NULL,             -- not before this block time
  recipient       TEXT    NOT NULL,
  denom           TEXT    NOT NULL,
  amount          INTEGER NOT NULL,             -- micro-units
  state           TEXT    NOT NULL CHECK (state IN ('proposed', 'sending', 'done', 'cancelled', 'failed')),
  tx              TEXT    NOT NULL DEFAULT '',
  height          INTEGER NOT NULL,             -- of the last block known at the last news
  time_unix_s     INTEGER NOT NULL,             -- that block's time
  why             TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX sweep_open ON sweep (1) WHERE state IN ('proposed', 'sending');
