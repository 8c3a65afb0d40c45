"""Why a lease is not as its tenant asked: a refusal, in words for the tenant and with who can mend it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from provider.cluster.health.causes import Cause, refusal
from provider.errors import Blame, Refused


@dataclass(frozen=True, slots=True)
class Problem:
    why: str
    blame: Blame

    @classmethod
    def of(cls, no: Refused) -> Problem:
        return cls(str(no), no.blame)

    @property
    def cause(self) -> Cause:
        return refusal(self.blame)

    @property
    def final(self) -> bool:
        """The same manifest would be refused for ever."""
        return self.blame is Blame.TENANT
