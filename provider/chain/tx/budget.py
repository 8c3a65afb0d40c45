"""What fees may cost within an hour of the chain's time. Pure.

A fee counts from the moment its transaction is signed, and no longer once that is known to be void without cost.
"""

from __future__ import annotations

HOUR_NS = 3600 * 10**9


class Budget:
    """`per_hour` in micro-units; None: any amount."""

    def __init__(self, per_hour: int | None) -> None:
        self.per_hour = per_hour
        self._spent: dict[str, tuple[int, int]] = {}

    def spend(self, tx_hash: str, amount: int, at_unix_ns: int) -> None:
        self._spent[tx_hash] = (at_unix_ns, amount)

    def refund(self, tx_hash: str) -> None:
        self._spent.pop(tx_hash, None)

    def spent(self, now_unix_ns: int) -> int:
        """Within the hour before `now`."""
        self._spent = {h: (at, amount) for h, (at, amount) in self._spent.items() if at > now_unix_ns - HOUR_NS}
        return sum(amount for _, amount in self._spent.values())

    def left(self, now_unix_ns: int) -> int | None:
        """None: any amount. What is urgent may overdraw it; then it is 0."""
        return None if self.per_hour is None else max(0, self.per_hour - self.spent(now_unix_ns))

    def fits_at(self, amount: int, now_unix_ns: int) -> int:
        """The time from which on that much may be spent, if nothing else is; an amount above the whole budget fits
        when nothing at all was spent for an hour."""
        if self.per_hour is None:
            return now_unix_ns
        over = self.spent(now_unix_ns) + amount - self.per_hour
        at = now_unix_ns
        for then, freed in sorted(self._spent.values()):
            if over <= 0:
                break
            over, at = over - freed, then + HOUR_NS
        return at
