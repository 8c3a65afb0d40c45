-- Version 6. Coins of any size: amounts that do not fit 64 bits are kept as their digits (provider/ledger/amounts.py), so the
-- columns take both. Rows, their order and their hashes stay what they were.

DROP VIEW entry;
DROP TRIGGER journal_is_not_changed;
DROP TRIGGER journal_is_not_shortened;
DROP INDEX journal_by_lease;
DROP INDEX journal_by_account;
DROP INDEX journal_by_time;
ALTER TABLE journal RENAME TO journal_5;
CREATE TABLE journal (
  seq         INTEGER PRIMARY KEY,
  height      INTEGER NOT NULL,  -- of the block it happened in
  time_unix_s INTEGER NOT NULL,  -- of the block it was written with
  kind        TEXT    NOT NULL,  -- docs/money.md: income, fee, deposit, …
  account     TEXT    NOT NULL,  -- whose balance it moved; '' when none
  other       TEXT    NOT NULL,  -- the account on the other side; '' when unknown
  lease       TEXT    NOT NULL,  -- or bid; '' when it concerns none
  denom       TEXT    NOT NULL,
  amount      ANY     NOT NULL,  -- micro-units, an integer or its digits; below zero: left the account
  usd_e18     TEXT    NOT NULL,  -- dollars of a whole coin (10^6 micro-units) at that time; '' when unknown
  tx          TEXT    NOT NULL,  -- hash of the transaction; '' when the chain did it by itself, or unknown
  detail      TEXT    NOT NULL,
  key         TEXT    NOT NULL UNIQUE,  -- what it is, in words: the same thing is written once
  hash        TEXT    NOT NULL
) STRICT;
INSERT INTO journal SELECT * FROM journal_5 ORDER BY seq;
DROP TABLE journal_5;
CREATE INDEX journal_by_lease ON journal (lease, kind, denom);
CREATE INDEX journal_by_account ON journal (account, denom, height);
CREATE INDEX journal_by_time ON journal (time_unix_s);

CREATE TRIGGER journal_is_not_changed BEFORE UPDATE ON journal BEGIN
  SELECT raise(ABORT, 'the journal is append-only: write a correction');
END;
CREATE TRIGGER journal_is_not_shortened BEFORE DELETE ON journal BEGIN
  SELECT raise(ABORT, 'the journal is append-only: write a correction');
END;
CREATE VIEW entry AS
SELECT height, time_unix_s, kind, account, other, lease, denom, amount, usd_e18, tx, detail, key FROM journal;
CREATE TRIGGER entry_is_chained INSTEAD OF INSERT ON entry
WHEN NOT EXISTS (SELECT 1 FROM journal WHERE key = NEW.key) BEGIN
  INSERT INTO journal (height, time_unix_s, kind, account, other, lease, denom, amount, usd_e18, tx, detail, key, hash)
  VALUES (
    NEW.height, NEW.time_unix_s, NEW.kind, NEW.account, NEW.other, NEW.lease, NEW.denom, NEW.amount, NEW.usd_e18, NEW.tx,
    NEW.detail, NEW.key,
    row_hash(
      coalesce((SELECT hash FROM journal ORDER BY seq DESC LIMIT 1), ''), NEW.height, NEW.time_unix_s, NEW.kind, NEW.account,
      NEW.other, NEW.lease, NEW.denom, NEW.amount, NEW.usd_e18, NEW.tx, NEW.detail, NEW.key
    )
  );
END;

DROP INDEX sweep_open;
ALTER TABLE sweep RENAME TO sweep_5;
CREATE TABLE sweep (
  id              INTEGER PRIMARY KEY,
  proposed_unix_s INTEGER NOT NULL,
  due_unix_s      INTEGER NOT NULL,             -- not before this block time
  recipient       TEXT    NOT NULL,
  denom           TEXT    NOT NULL,
  amount          ANY     NOT NULL,             -- micro-units, as in the journal
  state           TEXT    NOT NULL CHECK (state IN ('proposed', 'sending', 'done', 'cancelled', 'failed')),
  tx              TEXT    NOT NULL DEFAULT '',
  height          INTEGER NOT NULL,             -- of the last block known at the last news
  time_unix_s     INTEGER NOT NULL,             -- that block's time
  why             TEXT    NOT NULL DEFAULT ''
) STRICT;
INSERT INTO sweep SELECT * FROM sweep_5;
DROP TABLE sweep_5;
CREATE UNIQUE INDEX sweep_open ON sweep (1) WHERE state IN ('proposed', 'sending');
