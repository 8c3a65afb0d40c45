-- Version 3. The outbox: what we ask of the chain, stored before it is signed, and the signed bytes, stored before they leave.
-- What has ended is kept for a while for people who ask; pruned by age.

-- One row for each time something was asked. Of one key at most one row is open: waiting or signed.
CREATE TABLE intent (
  key          TEXT    NOT NULL,                 -- what is to happen, in words: bid/<order>, close/<bid>, withdraw/<lease>, …
  kind         TEXT    NOT NULL,                 -- the message's type name
  message      BLOB    NOT NULL,                 -- as it is signed (google.protobuf.Any)
  priority     INTEGER NOT NULL,                 -- smaller goes first
  state        TEXT    NOT NULL CHECK (state IN ('waiting', 'signed', 'done', 'failed', 'refused', 'expired', 'dropped')),
  tx           TEXT    NOT NULL DEFAULT '',      -- hash of the last transaction it travelled in
  position     INTEGER NOT NULL DEFAULT 0,       -- its place there
  attempts     INTEGER NOT NULL DEFAULT 0,       -- transactions signed for it
  asked_height INTEGER NOT NULL,                 -- last block known when it was asked
  asked_unix_s INTEGER NOT NULL,                 -- that block's time
  height       INTEGER NOT NULL,                 -- of the last news
  why          TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX intent_open ON intent (key) WHERE state IN ('waiting', 'signed');
CREATE INDEX intent_by_key ON intent (key);
CREATE INDEX intent_by_tx ON intent (tx);
CREATE INDEX intent_by_height ON intent (height);

CREATE TABLE tx (
  hash            TEXT    PRIMARY KEY,
  bytes           BLOB,                          -- NULL once it has ended
  state           TEXT    NOT NULL CHECK (state IN ('signed', 'included', 'failed', 'refused', 'expired')),
  timeout_unix_ns INTEGER NOT NULL,              -- block time after which it is void
  sequence        INTEGER,                       -- NULL for an unordered one
  gas_limit       INTEGER NOT NULL,
  fee             INTEGER NOT NULL,              -- micro-units of fee_denom; charged only when a block holds it
  fee_denom       TEXT    NOT NULL,
  signed_height   INTEGER NOT NULL,              -- last block known when it was signed
  signed_unix_ns  INTEGER NOT NULL,              -- that block's time
  height          INTEGER,                       -- of the block that holds it
  gas_used        INTEGER,
  codespace       TEXT    NOT NULL DEFAULT '',
  code            INTEGER NOT NULL DEFAULT 0,
  why             TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX tx_open ON tx (hash) WHERE state = 'signed';
CREATE INDEX tx_by_height ON tx (signed_height);
