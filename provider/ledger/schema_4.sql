-- Version 4. The journal: every movement of our accounts and every event of a lease's money, in the order in which they were
-- written, each row carrying the hash of the row before (provider/ledger/chained.py). Rows are added and never changed.

CREATE TABLE journal (
  seq         INTEGER PRIMARY KEY,
  height      INTEGER NOT NULL,  -- of the block it happened in
  time_unix_s INTEGER NOT NULL,  -- of the block it was written with
  kind        TEXT    NOT NULL,  -- docs/money.md: income, fee, deposit, …
  account     TEXT    NOT NULL,  -- whose balance it moved; '' when none
  other       TEXT    NOT NULL,  -- the account on the other side; '' when unknown
  lease       TEXT    NOT NULL,  -- or bid; '' when it concerns none
  denom       TEXT    NOT NULL,
  amount      INTEGER NOT NULL,  -- micro-units; below zero: left the account
  usd_e18     TEXT    NOT NULL,  -- dollars of a whole coin (10^6 micro-units) at that time; '' when unknown
  tx          TEXT    NOT NULL,  -- hash of the transaction; '' when the chain did it by itself, or unknown
  detail      TEXT    NOT NULL,
  key         TEXT    NOT NULL UNIQUE,  -- what it is, in words: the same thing is written once
  hash        TEXT    NOT NULL
) STRICT;
CREATE INDEX journal_by_lease ON journal (lease, kind, denom);
CREATE INDEX journal_by_account ON journal (account, denom, height);
CREATE INDEX journal_by_time ON journal (time_unix_s);

CREATE TRIGGER journal_is_not_changed BEFORE UPDATE ON journal BEGIN
  SELECT raise(ABORT, 'the journal is append-only: write a correction');
END;
CREATE TRIGGER journal_is_not_shortened BEFORE DELETE ON journal BEGIN
  SELECT raise(ABORT, 'the journal is append-only: write a correction');
END;

-- The way to add a row; row_hash is registered by provider/ledger/store.py.
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

-- What earlier versions noted is carried over. They knew no times, no transactions and no balances: that income belongs to its
-- lease, but to no account's sum, which begins with the balance found first (kind opening).
INSERT INTO entry
SELECT min(from_height), 0, 'lease.opened', '', '', lease, denom, 0, '', '', '', 'lease.opened/' || lease
FROM span GROUP BY lease ORDER BY 1, lease;
INSERT INTO entry
SELECT height, 0, 'settled', '', '', lease, denom, amount, '', '', reason,
  'settled/' || lease || '/' || height || '/' || sum(amount) OVER (PARTITION BY lease, denom ORDER BY height)
FROM settlement ORDER BY height, lease;
INSERT INTO entry
SELECT height, 0, 'income.before', '', '', lease, denom, amount, '', '', reason,
  'income/' || lease || '/' || denom || '/' || sum(amount) OVER (PARTITION BY lease, denom ORDER BY height)
FROM settlement ORDER BY height, lease;
INSERT INTO entry
SELECT height, 0, 'lease.ended', '', '', lease, '', 0, '', '', 'reason ' || reason, 'lease.ended/' || lease
FROM closing ORDER BY height, lease;
DROP TABLE settlement;
