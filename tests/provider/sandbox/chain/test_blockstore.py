"""Blocks, gaps between them, and where transactions are."""

from __future__ import annotations

from provider.sandbox.chain.app import TxAnswer
from provider.sandbox.chain.blockstore import Block, BlockStore, tx_hash
from provider.sandbox.chain.events import AbciEvent
from provider.sandbox.chain.search import parse

OK = TxAnswer(0, "", "", b"", 0, 0, [AbciEvent("message", [("sender", "a")])])


def test_a_gap_is_as_good_as_its_blocks() -> None:
    store = BlockStore("c")
    store.add(Block(1, 1_000))
    store.skip(2, 1_000_000, 1_010, 10)
    store.add(Block(1_000_001, 99_000_000))
    store.skip(1_000_002, 1_000_003, 99_000_010, 5)
    assert store.get(1) == Block(1, 1_000)
    assert store.get(2) == Block(2, 1_010)
    assert store.get(1_000_000) == Block(1_000_000, 1_010 + 999_998 * 10)
    assert store.get(1_000_001) == Block(1_000_001, 99_000_000)
    assert store.get(1_000_003) == Block(1_000_003, 99_000_015)
    assert store.get(0) is store.get(1_000_004) is None
    assert store.first == 1


def test_transactions_are_found_by_hash_in_either_case_and_by_event() -> None:
    store = BlockStore("c")
    store.add(Block(5, 0, (b"x", b"y"), (OK, TxAnswer(1, "s", "no", b"", 0, 0)), ()))
    store.add(Block(6, 0, (b"z",), (OK,), ()))
    assert store.first == 5
    found = store.tx(tx_hash(b"y").lower())
    assert (found.height, found.index, found.tx) == (5, 1, b"y")
    assert store.tx(tx_hash(b"?")) is None

    def search(query: str, lowest: int = 1, highest: int = 10) -> list[bytes]:
        return [t.tx for t in store.search(parse(query), lowest=lowest, highest=highest)]

    assert search("message.sender='a'") == [b"x", b"z"]
    assert search("message.sender='a' AND tx.height>=6") == [b"z"]
    assert search("message.sender='a'", highest=5) == [b"x"]
    assert search(f"tx.hash='{tx_hash(b'y')}'") == search(f"tx.hash='{tx_hash(b'y').lower()}'") == [b"y"]
    assert search(f"tx.hash='{tx_hash(b'y')}'", lowest=6) == search("tx.hash='00'") == []
    assert search(f"tx.hash='{tx_hash(b'y')}' AND tx.height=6") == []


def test_a_chain_started_anew_has_other_hashes() -> None:
    one, other = BlockStore("c"), BlockStore("c")
    assert one.digest(7) == one.digest(7)
    assert len({one.digest(7), one.digest(8), one.digest(7, "app"), other.digest(7)}) == 4
