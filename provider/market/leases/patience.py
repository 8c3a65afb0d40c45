"""How long a manifest is waited for. Pure.

The patience is counted in blocks, and only in those in which the tenant could have sent: this process was up, the
cluster could take a manifest, and the chain was heard of, without which the gateway does not know the lease yet. The
subtle part is the catching up after an outage of the nodes: the blocks of its time arrive within seconds, and are as
many as the patience has. So while the last block is old, patience begins at the height the chain will have by now.
"""

from __future__ import annotations

from bidengine.decide import blocks_within
from provider.market.leases.grace import OLD_BLOCK_S


def could_send_since(
    since_height: int, height: int, *, block_age_s: float, cluster_heard: bool, block_time_ms: int
) -> int:
    """Up to which height nobody could send, where it was `since_height` so far; `height` and age are the last block's.
    What was thought of the chain while it was silent gives way to what it says: it may have stood still."""
    now_height = height + int(max(0.0, block_age_s) * 1000) // max(1, block_time_ms)
    if not cluster_heard or block_age_s > OLD_BLOCK_S:
        return now_height
    return min(since_height, now_height)


def patient_until(created_at: int, since_height: int, timeout_s: int, block_time_ms: int) -> int:
    """The height from which on a lease of that height is closed for want of a manifest."""
    return max(created_at, since_height) + blocks_within(timeout_s, block_time_ms)
