"""What the room's holds mean to others: how much one tenant has of us, and how many deposits are on their way.

Counted in one pass, anew when the height or a promise has changed.
"""

from __future__ import annotations

from collections import Counter

from bidengine.room import HoldState, Room
from provider.market.book import Book


class Promises:
    def __init__(self, book: Book, room: Room) -> None:
        self.book, self.room = book, room
        self._owners: Counter[str] = Counter()
        self._owners_at: tuple[int, ...] = ()
        self._deposits = 0
        self._deposits_at: tuple[int, ...] = ()

    def to(self, owner: str) -> int:
        """Orders of a tenant that we hold room for, have bid on or run."""
        now = self.book.height, self.room.changes
        if now != self._owners_at:
            self._owners_at, self._owners = now, Counter(order.owner for order in self.room.holds)
        return self._owners[owner]

    def deposits_after(self, height: int) -> int:
        """Deposits that a balance read at `height` does not show yet: of bids being made, sent, or seen only later."""
        now = height, self.book.height, self.room.changes
        if now != self._deposits_at:
            bids = self.book.bids
            self._deposits_at, self._deposits = now, sum(
                bids[order].created_at > height if order in bids else hold.state is not HoldState.LEASED
                for order, hold in self.room.holds.items()
            )  # fmt: skip
        return self._deposits
