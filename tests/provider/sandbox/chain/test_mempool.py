"""What CometBFT's mempool remembers and forgets, one guarantee after the other."""

from __future__ import annotations

import pytest

from provider.sandbox.chain.app import TxAnswer
from provider.sandbox.chain.mempool import Mempool, MempoolError

OK, NO = TxAnswer(0, "", "", b"", 0, 0), TxAnswer(5, "sdk", "insufficient funds", b"", 0, 0)


class Checker:
    """Says no to whatever is in `refused`; counts."""

    def __init__(self) -> None:
        self.refused: set[bytes] = set()
        self.asked: list[bytes] = []

    def __call__(self, tx: bytes) -> TxAnswer:
        self.asked.append(tx)
        return NO if tx in self.refused else OK


@pytest.fixture
def check() -> Checker:
    return Checker()


def refused(pool: Mempool, tx: bytes) -> tuple[int, str]:
    with pytest.raises(MempoolError) as caught:
        pool.add(tx)
    return caught.value.code, caught.value.text


def test_what_check_tx_refuses_may_come_again(check) -> None:
    pool = Mempool(check)
    check.refused = {b"a"}
    assert pool.add(b"a").code == 5
    check.refused = set()
    assert pool.add(b"a").code == 0
    assert pool.reap() == [b"a"]


def test_what_was_accepted_is_in_the_cache_while_waiting_and_after_inclusion(check) -> None:
    pool = Mempool(check)
    pool.add(b"a")
    assert refused(pool, b"a") == (19, "tx already exists in cache")
    pool.update([b"a"], [OK])
    assert len(pool) == 0
    assert refused(pool, b"a") == (19, "tx already exists in cache")


def test_what_failed_in_its_block_is_forgotten(check) -> None:
    pool = Mempool(check)
    pool.add(b"a")
    pool.update([b"a"], [NO])
    assert pool.add(b"a").code == 0


def test_after_a_block_what_waits_is_checked_anew(check) -> None:
    pool = Mempool(check)
    for tx in (b"a", b"b", b"c"):
        pool.add(tx)
    check.refused, check.asked = {b"b"}, []
    pool.update([b"a"], [OK])
    assert check.asked == [b"b", b"c"]
    assert pool.reap() == [b"c"]
    check.refused = set()
    assert pool.add(b"b").code == 0, "what was dropped is forgotten"


def test_a_lost_tx_stays_in_the_cache(check) -> None:
    pool = Mempool(check)
    pool.add(b"a")
    pool.lose(b"a")
    assert (len(pool), pool.reap()) == (0, [])
    assert refused(pool, b"a")[0] == 19


def test_limits(check) -> None:
    pool = Mempool(check, max_txs=2, max_tx_bytes=10, remembered=2)
    assert refused(pool, b"x" * 11) == (21, "Tx too large. Max size is 10, but got 11")
    pool.add(b"a")
    pool.add(b"bb")
    text = "mempool is full: number of txs 2 (max: 2), total txs bytes 3 (max: 1073741824)"
    assert refused(pool, b"c") == (20, text)
    pool.update([b"a", b"bb"], [OK, OK])
    pool.add(b"c")
    assert pool.add(b"a").code == 0, "the cache remembers only so many"
    assert len(check.asked) == 4, "and nothing was checked in vain"


def test_blocks_take_in_order_of_arrival_and_only_so_many_bytes(check) -> None:
    pool = Mempool(check)
    for tx in (b"aaa", b"bbb", b"ccc"):
        pool.add(tx)
    assert pool.reap() == [b"aaa", b"bbb", b"ccc"]
    assert pool.reap(max_bytes=7) == [b"aaa", b"bbb"]
