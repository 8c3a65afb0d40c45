"""What is asked of an API server, request by request, in the words of its access rules.

The subtle part is server-side apply: one request, which needs the right to patch, and the right to create as well when
there was nothing yet. The answer's code tells which it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from provider.cluster.api.kube import Kube

READS = ("get", "list", "watch")
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Asked:
    """`resource` is as roles name it, `pods/log` included; `group` is "" for the core API. `status` is the answer's."""

    verbs: tuple[str, ...]
    group: str
    resource: str
    namespace: str
    name: str
    status: int

    @property
    def verb(self) -> str:
        return self.verbs[0]


def asked(method: str, path: str, query: Iterable[tuple[str, str]], status: int) -> Asked | None:
    """None for what is not about an object (`/version`)."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    match parts:
        case ["api", _, *rest]:
            group = ""
        case ["apis", group, _, *rest]:
            pass
        case _:
            return None
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    resource, name, sub = rest[0], (rest[1:2] or [""])[0], rest[2:]
    verb = _VERBS.get(method) or ("get" if name else "watch" if ("watch", "true") in query else "list")
    verbs = ("patch", "create") if (verb, status) == ("patch", 201) else (verb,)
    return Asked(verbs, group, "/".join([resource, *sub[:1]]), namespace, name, status)


class Noted(Kube):
    """A door that notes what goes through it, in the order of the answers."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.asked: list[Asked] = []

    async def _send(self, method: str, path: str, query: Any, *rest: Any) -> Any:
        answer = await super()._send(method, path, query, *rest)
        found = asked(method, path, query, answer.status)
        if found is not None:
            self.asked.append(found)
        return answer

    def since(self, start: int) -> Counter[str]:
        """Calls by verb, from the `start`th on, watches left out."""
        return Counter(one.verb for one in self.asked[start:] if one.verb != "watch")
