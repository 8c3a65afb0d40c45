-- Version 2. Why an order got the answer it got, and what became of it: one row for each order, and beside it the chain of
-- decisions. Both are pruned by age.

CREATE TABLE market_order (
  orderid          TEXT    PRIMARY KEY,
  created_at       INTEGER NOT NULL,             -- height at which the chain made it; 0 when it was not noted
  time_unix_s      INTEGER NOT NULL,             -- of the block at which we looked first
  order_json       TEXT    NOT NULL,             -- the group as the reference's JSON, and the notice asked for; '' when not noted
  outcome          TEXT    NOT NULL,             -- the code that stands (docs/orders.md)
  rank             INTEGER NOT NULL,             -- how much that code settles: it is replaced only by one that settles more
  decided_at       INTEGER NOT NULL,             -- height of that code
  gpu_model        TEXT    NOT NULL DEFAULT '',  -- of the placement we bid with
  denom            TEXT    NOT NULL DEFAULT '',
  price_e18        TEXT,                         -- ours, per block
  winner           TEXT    NOT NULL DEFAULT '',
  winner_price_e18 TEXT,
  leased_at        INTEGER,                      -- height at which the order became our lease
  started_at       INTEGER,                      -- height at which all services of our lease were seen running
  ended_at         INTEGER                       -- height at which our lease ended
) STRICT;
CREATE INDEX market_order_by_height ON market_order (decided_at);

-- Version 1 noted no reasons for what the chain decided.
ALTER TABLE decision RENAME TO decision_1;
DROP INDEX decision_by_order;
DROP INDEX decision_by_height;

-- One row for each turn of mind: the same answer again renews the last row (until_height, times, detail).
CREATE TABLE decision (
  orderid      TEXT    NOT NULL,
  height       INTEGER NOT NULL,
  until_height INTEGER NOT NULL,
  times        INTEGER NOT NULL,
  time_unix_s  INTEGER NOT NULL,
  outcome      TEXT    NOT NULL,
  detail       TEXT    NOT NULL,
  price        TEXT    NOT NULL,
  tx_hash      TEXT    NOT NULL,
  facts_json   TEXT    NOT NULL                  -- rules that objected, placement, price lines (bidengine/explain.py)
) STRICT;
CREATE INDEX decision_by_order ON decision (orderid, height);
CREATE INDEX decision_by_height ON decision (until_height);

INSERT INTO decision
SELECT orderid, height, height, 1, 0,
  CASE outcome WHEN 'declined' THEN reason WHEN 'lost' THEN 'lost.unknown' WHEN 'closed' THEN 'lost.withdrawn' ELSE outcome END,
  detail, price, '', '{}'
FROM decision_1 ORDER BY rowid;
INSERT INTO market_order (orderid, created_at, time_unix_s, order_json, outcome, rank, decided_at)
SELECT orderid, 0, 0, '', outcome, CASE WHEN outcome LIKE 'lost.%' THEN 1 ELSE 0 END, height
FROM decision d WHERE rowid = (SELECT max(rowid) FROM decision e WHERE e.orderid = d.orderid);
DROP TABLE decision_1;
