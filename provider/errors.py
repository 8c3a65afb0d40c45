"""The errors of the daemon. Foreign exceptions become one of these at the door they come in by.

AkpError
├── ConfigError      what the operator wrote cannot work; exit code 2; says where and how to cure it
├── Retry            trouble that passes by itself: a node is down, the API server answers 5xx; try the key again later
│   └── Unreachable  ... nobody answered at all
├── Refused          a clear "no" from the other side; trying the same again is pointless
│   ├── NotFound     ... because the thing is not there
│   ├── Conflict     ... because somebody else changed it meanwhile
│   └── TxRefused    ... by the chain, with codespace and code
├── Pruned           the state of a height is nowhere any more: ask about a newer one
└── Fatal            going on would do harm; the process ends and is started anew
"""

from __future__ import annotations

from enum import StrEnum


class AkpError(Exception):
    """Root. The text is one line for a person; the type is for code."""


class ConfigError(AkpError):
    """`where` names the file, key or flag; `cure` says what to do."""

    def __init__(self, where: str, what: str, cure: str) -> None:
        self.where, self.what, self.cure = where, what, cure
        super().__init__(f"{where}: {what}. {cure}")


class Retry(AkpError):
    """`after_s` is a hint; None leaves the back-off to the queue."""

    def __init__(self, what: str, after_s: float | None = None) -> None:
        self.after_s = after_s
        super().__init__(what)


class Unreachable(Retry):
    pass


class Blame(StrEnum):
    """Who can mend what was refused; a lease may be closed over it, so it is the tenant's only where that is known."""

    UNSAID = ""
    TENANT = "tenant"
    """what they sent could never be taken"""
    OPERATOR = "operator"
    """the settings, or what the daemon has noted, no longer fit what was accepted once"""
    CLUSTER = "cluster"
    """a quota, a webhook, a policy, a right or a schema that is missing"""


class Refused(AkpError):
    """`blame` is told where the refusal is met, which knows more than its words."""

    def __init__(self, what: str = "", *, blame: Blame = Blame.UNSAID) -> None:
        self.blame = blame
        super().__init__(what)


class NotFound(Refused):
    pass


class Conflict(Refused):
    pass


class TxRefused(Refused):
    """`codespace` and `code` as in chain.md §6.6; 0 and "" when only a text is known (a simulation)."""

    def __init__(self, codespace: str, code: int, log: str) -> None:
        self.codespace, self.code, self.log = codespace, code, log
        super().__init__(f"{codespace or 'simulation'} {code}: {log}" if code else log)


class Pruned(AkpError):
    """No node keeps the state of the height asked for any more. Neither to be waited for nor an answer about what was
    asked: who follows the chain must load another state, who only looks may look again, at a newer height."""


class Fatal(AkpError):
    pass
