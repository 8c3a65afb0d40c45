"""Which key of a price file a card falls under: `vendor/model[/memory][/interface]`, with `*` in any place.

A place that is left out is `*`; a third part that is a size is the memory, any other the interface. Of the keys that
fit a card the one that names most places counts. Two keys that name equally many and fit a common card are an error
in the file (`ties`), unless a key that names more covers all of what they share: money is never a matter of luck.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from manifests.gpus import GpuModel

ANY = "*"
_MEMORY = re.compile(r"[1-9][0-9]{0,5}[KMGT]i", re.ASCII)
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class CardKey:
    vendor: str = ANY
    model: str = ANY
    memory: str = ANY
    interface: str = ANY

    @property
    def places(self) -> tuple[str, str, str, str]:
        return self.vendor, self.model, self.memory, self.interface

    @property
    def named(self) -> int:
        """Places that are not `*`: how specific the key is."""
        return 4 - self.places.count(ANY)

    def covers(self, other: CardKey) -> bool:
        """Every card the other fits, this one fits."""
        return all(mine in (ANY, theirs) for mine, theirs in zip(self.places, other.places, strict=True))

    def shared(self, other: CardKey) -> CardKey | None:
        """The key of the cards that both fit; None when there is no such card."""
        places = []
        for mine, theirs in zip(self.places, other.places, strict=True):
            if ANY not in (mine, theirs) and mine != theirs:
                return None
            places.append(theirs if mine == ANY else mine)
        return CardKey(*places)

    def __str__(self) -> str:
        places = list(self.places)
        while len(places) > 1 and places[-1] == ANY:
            places.pop()
        return "/".join(places + [ANY] * (len(places) == 1 and places != [ANY]))


@lru_cache(maxsize=4096)
def card_key(text: str) -> CardKey:
    """ValueError tells how a key is written."""
    vendor, *rest = text.split("/")
    if len(rest) == 2 and rest[1] != ANY and _MEMORY.fullmatch(rest[1]) is None:
        rest.insert(1, ANY)
    model, memory, interface = (*rest, ANY, ANY, ANY)[:3]
    words = all(p == ANY or _NAME.fullmatch(p) for p in (vendor, model, interface))
    alone = not rest and vendor != ANY
    if not words or alone or len(rest) > 3 or (memory != ANY and _MEMORY.fullmatch(memory) is None):
        raise ValueError('a GPU is written vendor/model[/80Gi][/sxm] in lower case, with "*" for any, or just "*"')
    return CardKey(vendor, model, memory, interface)


def card_rate(card: GpuModel, rates: Mapping[str, int]) -> int | None:
    """What the most specific key says of a card; None when no key fits."""
    wanted = CardKey(card.vendor.lower(), card.model.lower(), card.memory, card.interface.lower())
    fitting = [text for text in rates if card_key(text).covers(wanted)]
    return rates[max(fitting, key=lambda text: card_key(text).named)] if fitting else None


def ties(keys: Iterable[str]) -> Iterator[tuple[str, str, CardKey]]:
    """Pairs of keys that are equally specific for some card, with the key that would tell which counts."""
    known = [(text, card_key(text)) for text in keys]
    anywhere = [row for row in known if row[1].model == ANY]
    models: dict[str, list[tuple[str, CardKey]]] = {}
    for row in known:
        if row[1].model != ANY:
            models.setdefault(row[1].model, []).append(row)
    # Only keys of one model, or of any, can meet: a long list of models is no matter.
    yield from _tied(anywhere, anywhere)
    for rows in models.values():
        yield from _tied([*anywhere, *rows], rows)


def _tied(rows: list[tuple[str, CardKey]], among: list[tuple[str, CardKey]]) -> Iterator[tuple[str, str, CardKey]]:
    """Ties of `among` with any of the rows before it."""
    named = [(text, key, key.named) for text, key in rows]
    for at, (one, first, level) in enumerate(named[len(rows) - len(among) :], len(rows) - len(among)):
        for two, second, _ in (row for row in named[:at] if row[2] == level):
            both = first.shared(second)
            if both is not None and not any(more > level and k.covers(both) for _, k, more in named):
                yield two, one, both
