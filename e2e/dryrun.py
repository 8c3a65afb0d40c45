"""Objects before a real API server, in a dry run: validated and given their defaults as if they were kept, field by
field (an unknown one is an error), and nothing is.

A dry run still wants the object's namespace to exist and its kind to be known, so those are made.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx

from e2e.cluster import Cluster, gatewayapi
from manifests.render.crd import definitions
from provider.cluster.api.kinds import kind_of

Object = dict[str, Any]
MANAGER = "akash-provider"
AT_ONCE = 8
"""Requests on their way at the same time: more than a small API server's processors, so that it never waits."""


class NotAccepted(Exception):
    """The API server's own words."""


class DryRun:
    """Made by `on`; `apply` may be called from several threads."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    @classmethod
    @contextmanager
    def on(cls, cluster: Cluster) -> Iterator[DryRun]:
        """With our definitions and the Gateway API's in place."""
        with cluster.api() as http:
            out = cls(http)
            wanted = [*definitions(), *gatewayapi.definitions()]
            for definition in wanted:
                out._keep(definition)
            cluster.await_served(*(definition["metadata"]["name"] for definition in wanted))
            out.namespaces(["lease"])
            yield out

    def namespaces(self, names: Iterable[str]) -> None:
        """Make them, empty and for good."""
        wanted = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._keep, wanted))

    def apply(self, obj: Object) -> Object:
        """The object as it would be stored. NotAccepted with the reason when it would not."""
        return self._send(obj, {"dryRun": "All"})

    def apply_all(self, objects: Sequence[Object]) -> list[Object | NotAccepted]:
        """The answers in the order of the objects."""

        def one(obj: Object) -> Object | NotAccepted:
            try:
                return self.apply(obj)
            except NotAccepted as no:
                return no

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(one, objects))

    def _keep(self, obj: Object) -> None:
        self._send(obj, {})

    def _send(self, obj: Object, more: dict[str, str]) -> Object:
        kind = kind_of(obj)
        where = kind.path(obj["metadata"].get("namespace"), obj["metadata"]["name"])
        query = {"fieldManager": MANAGER, "force": "true", "fieldValidation": "Strict", **more}
        headers = {"content-type": "application/apply-patch+yaml"}
        for pause_s in (0.1, 1.0, 10.0, 60.0):
            answer = self._http.patch(where, params=query, content=json.dumps(obj), headers=headers)
            if answer.status_code not in (429, 503, 504):  # it has too much to do, which is no opinion
                break
            time.sleep(pause_s)
        if answer.status_code >= 300:
            said = answer.json().get("message", answer.text) if answer.content else str(answer.status_code)
            raise NotAccepted(f"{obj['kind']} {obj['metadata']['name']}: {said}")
        return dict(answer.json())
