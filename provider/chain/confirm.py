"""What cannot be taken back is done only when two nodes say the same; one alone may be stuck, forked or lying.

What is confirmed: that a lease is over, before its workloads and volumes are deleted; that an escrow account pays no
more, before its leases are closed; that an order is over, before a young bid on it is closed. Nothing else would stop
those: the chain takes the closing of an open bid or of a live lease from its provider at any time, and there is never a
second bid on an order (chain.md §2.2). What is not: messages that the chain holds against its own state, such as a bid
or a withdrawal; there all its validators confirm them. Nor an order's end told by a block that is followed: whatever
we do rests on those, and a block holds on to the one before it. Nor what is ours to decide, such as giving up a bid
that nobody has answered in time, whatever became of its order: a second node that is away for long must not lock its
deposit and room for ever.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from provider.errors import AkpError, NotFound, Retry

T = TypeVar("T")
Ask = Callable[[], Awaitable[T]]


async def confirmed(nodes: Sequence[tuple[str, Ask[T]]], alike: Callable[[T], object]) -> T:
    """What the first two that answer say, where `alike` of it is equal; each of `nodes` is a name and its question. A
    node without company is believed. NotFound is an answer too, and is raised when both say so. Retry when they
    disagree, or when fewer than two answer."""
    if len(nodes) == 1:
        return await nodes[0][1]()
    found: list[tuple[str, T | NotFound]] = []
    troubles = []
    for name, ask in nodes:
        try:
            found.append((name, await ask()))
        except NotFound as unknown:
            found.append((name, unknown))
        except AkpError as trouble:
            troubles.append(f"{name}: {trouble}")
        if len(found) == 2:
            break
    if len(found) < 2:
        raise Retry(f"no second node confirms it: {'; '.join(troubles)}")
    said = [(name, "not found" if isinstance(answer, NotFound) else alike(answer)) for name, answer in found]
    if any(answer != said[0][1] for _, answer in said):
        raise Retry(f"nodes disagree: {', '.join(f'{name} says {answer}' for name, answer in said)}")
    answer = found[0][1]
    if isinstance(answer, NotFound):
        raise answer
    return answer
