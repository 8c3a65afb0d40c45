"""The door to the Kubernetes API server: JSON in, JSON out, and every answer that is not a success becomes one of our
errors.

Only this module knows that `kubernetes.aio` exists; of that library they use the reading of kubeconfigs,
credentials and TLS, not its models (design.md §8). The one subtlety is which trouble passes by itself: an unanswered
call, 408, 429, 5xx, an expired credential and a namespace that is still going away are `Retry`; 404, 409 and everything
else the API server says "no" to is `Refused` with its own words.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp
import yaml
from kubernetes.aio import config as kube_config
from kubernetes.aio.client import ApiClient, Configuration

from provider.cluster.api.kinds import Kind, kind_of
from provider.errors import AkpError, Blame, ConfigError, Conflict, NotFound, Refused, Retry, Unreachable
from provider.settings import ClusterSettings

Object = dict[str, Any]
Objects = list[Object]
Query = list[tuple[str, str]]

FIELD_MANAGER = "akash-provider"
PAGE = 500
WATCH_S = 290
"""A watch is asked to end after this; shorter than the five minutes after which proxies in between like to cut it."""
QUIET_S = 120.0
"""A watch on which nothing came for this long, not even a bookmark (sent about once a minute), is taken for dead."""
CALL_S = 30.0


class WrongFields(Refused):
    """A field has a value it may not have, or may not come to have (422 that names fields). A webhook's or a policy's
    "no" is none of these, whatever status it bears."""


class Gone(Retry):
    """The version asked for is no longer kept (410), or a watch ended with an error: only a new list can tell what
    is."""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list; `version` is the resourceVersion the whole list is of, the same on each page."""

    items: list[Object]
    version: str


@dataclass(frozen=True, slots=True)
class Event:
    """`type` is ADDED, MODIFIED, DELETED or BOOKMARK; of a bookmark's object only metadata.resourceVersion means
    something."""

    type: str
    object: Object

    @property
    def version(self) -> str:
        return str(self.object["metadata"]["resourceVersion"])


class Kube:
    """One connection pool to one API server. Objects are dicts as the API server speaks them."""

    def __init__(self, api: Any, settings: ClusterSettings) -> None:
        self.api = api
        self._settings = settings

    @classmethod
    @asynccontextmanager
    async def connect(cls, settings: ClusterSettings) -> AsyncIterator[Self]:
        """Open by the kubeconfig named in the settings or, without one, by the service account of the pod we run in.
        ConfigError when neither can be read; whether anybody answers shows only with the first call."""
        configuration = await _configuration(settings)
        try:
            api = ApiClient(configuration)
        except OSError as bad:  # ssl.SSLError is one: a certificate or key that is none
            cure = "Mend the certificates in the kubeconfig."
            raise ConfigError("cluster.kubeconfig", f"TLS cannot be set up: {bad}", cure) from None
        async with api:
            yield cls(api, settings)

    async def list(
        self, kind: Kind, namespace: str | None = None, labels: str = "", fields: str = ""
    ) -> AsyncIterator[Page]:
        """A consistent list in pages of 500. Items lack apiVersion and kind. Gone when it took so long that the rest
        expired."""
        more = ""
        while True:
            query = _query(labelSelector=labels, fieldSelector=fields, limit=str(PAGE), **{"continue": more})
            answer = await self.call("GET", kind.path(namespace), query=query)
            metadata = answer.get("metadata") or {}
            yield Page(answer.get("items") or [], str(metadata.get("resourceVersion", "")))
            more = metadata.get("continue") or ""
            if not more:
                return

    async def all(self, kind: Kind, namespace: str | None = None, labels: str = "", fields: str = "") -> Objects:
        """The whole list at once; for lists that are known to be short."""
        return [item async for page in self.list(kind, namespace, labels, fields) for item in page.items]

    @asynccontextmanager
    async def watch(
        self, kind: Kind, since: str, namespace: str | None = None, labels: str = "", *, quiet_s: float = QUIET_S
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """One stream of changes after version `since`. Entering means the API server has accepted the watch; the
        stream ends when the server ends it. Gone: list again. Unreachable: cut, or nothing came for `quiet_s`."""
        query = _query(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=since,
            timeoutSeconds=str(WATCH_S),
            labelSelector=labels,
        )
        async with self.stream(kind.path(namespace), query, quiet_s=quiet_s) as stream:
            yield stream.events()

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Object:
        return await self.call("GET", kind.path(namespace, name))

    async def apply(
        self, obj: Mapping[str, Any], *, force: bool = True, dry_run: bool = False, manager: str = FIELD_MANAGER
    ) -> Object:
        """Server-side apply: fields named here become ours, fields of ours no longer named go away. Creates what is
        missing. Without `force`, Conflict over a field that somebody else holds with another value. `dry_run` only
        asks whether it would be accepted."""
        metadata = obj["metadata"]
        path = kind_of(obj).path(metadata.get("namespace"), metadata["name"])
        query = _query(fieldManager=manager, force=str(force).lower(), dryRun="All" if dry_run else "")
        return await self.call("PATCH", path, query=query, body=obj, content_type="application/apply-patch+yaml")

    async def create(self, obj: Mapping[str, Any], *, dry_run: bool = False) -> Object:
        """Conflict when the name is taken, which is told only of an object that is good in itself."""
        path = kind_of(obj).path(obj["metadata"].get("namespace"))
        query = _query(fieldManager=FIELD_MANAGER, dryRun="All" if dry_run else "")
        return await self.call("POST", path, query=query, body=obj)

    async def update(self, obj: Mapping[str, Any], *, manager: str = FIELD_MANAGER) -> Object:
        """Replace an object that was read before; Conflict when somebody has changed it since."""
        metadata = obj["metadata"]
        path = kind_of(obj).path(metadata.get("namespace"), metadata["name"])
        return await self.call("PUT", path, query=_query(fieldManager=manager), body=obj)

    async def patch(self, kind: Kind, namespace: str | None, name: str, change: Mapping[str, Any]) -> Object:
        """Merge `change` in (RFC 7386): a null deletes a key, a list replaces a list. NotFound rather than creating."""
        query = _query(fieldManager=FIELD_MANAGER)
        path = kind.path(namespace, name)
        return await self.call("PATCH", path, query=query, body=change, content_type="application/merge-patch+json")

    async def delete(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        grace: int | None = None,
        *,
        orphan: bool = False,
        version: str = "",
    ) -> bool:
        """Ask for its deletion; False when it was not there. It may take its time to go. Dependents go in the
        background, or stay when they are to be orphans. With `version`, Conflict when it is another one by now."""
        policy = "Orphan" if orphan else "Background"
        body: Object = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        if version:
            body["preconditions"] = {"resourceVersion": version}
        try:
            await self.call("DELETE", kind.path(namespace, name), body=body)
        except NotFound:
            return False
        return True

    async def version(self) -> Object:
        """What the API server says it is: `gitVersion`, `major`, `minor` …"""
        return await self.call("GET", "/version")

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """One request, its JSON answer."""
        what = f"{method} {path}"
        timeout = aiohttp.ClientTimeout(total=CALL_S)
        with _trouble(what):
            async with await self._open(method, path, query or [], body, content_type, timeout) as response:
                text = await response.read()
        try:
            answer = json.loads(text)
        except ValueError:
            raise Retry(f"{what}: the answer is not JSON: {_short(text)}") from None
        if not isinstance(answer, dict):
            raise Retry(f"{what}: the answer is not an object: {_short(text)}")
        return answer

    @asynccontextmanager
    async def stream(self, path: str, query: Query, *, quiet_s: float | None) -> AsyncIterator[Stream]:
        """A GET whose body is read piece by piece: watches and logs. `quiet_s` None waits for ever between pieces."""
        what = f"GET {path}"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CALL_S, sock_read=quiet_s)
        with _trouble(what):
            response = await self._open("GET", path, query, None, "application/json", timeout)
        async with response:
            yield Stream(response, what)

    async def websocket(
        self, path: str, query: Query, protocols: tuple[str, ...], *, heartbeat_s: float
    ) -> aiohttp.ClientWebSocketResponse:
        """For exec.py, which knows the protocol and maps the errors. (The library's own WsApiClient hides which
        protocol was agreed on, and makes a pool and a TLS context for each connection.)"""
        request = await self.api.param_serialize(
            "GET", path, query_params=query, header_params={}, auth_settings=["BearerToken"]
        )
        rest = self.api.rest_client
        if rest.pool_manager is None:
            rest.pool_manager = rest._create_pool_manager()
        pool: aiohttp.ClientSession = rest.pool_manager
        return await pool.ws_connect(
            request[1], headers=request[2], protocols=protocols, heartbeat=heartbeat_s, proxy=rest.proxy
        )

    async def renew(self) -> None:
        """Read the kubeconfig or the service account's token again."""
        fresh = await _configuration(self._settings)
        self.api.configuration.api_key = fresh.api_key
        self.api.configuration.refresh_api_key_hook = fresh.refresh_api_key_hook

    async def _open(
        self,
        method: str,
        path: str,
        query: Query,
        body: Mapping[str, Any] | None,
        content_type: str,
        timeout: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        """A successful answer, its body still to be read. A credential refused (401) is renewed once, since tokens
        expire."""
        response = await self._send(method, path, query, body, content_type, timeout)
        if response.status == 401:
            response.release()
            await self.renew()
            response = await self._send(method, path, query, body, content_type, timeout)
        if response.status >= 400:
            async with response:
                raise _refusal(f"{method} {path}", response.status, await response.read(), response.headers)
        return response

    async def _send(
        self,
        method: str,
        path: str,
        query: Query,
        body: Mapping[str, Any] | None,
        content_type: str,
        timeout: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": "application/json", "Content-Type": content_type}
        request = await self.api.param_serialize(
            method, path, query_params=query, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        answer = await self.api.call_api(*request, _request_timeout=timeout)
        response: aiohttp.ClientResponse = answer.response
        return response


class Stream:
    """A body being read. Unreachable when it breaks off; what the reader does with a piece is the reader's trouble."""

    def __init__(self, response: aiohttp.ClientResponse, what: str) -> None:
        self._content, self.what = response.content, what

    async def chunk(self) -> bytes:
        """What has arrived, at least one byte; b"" at the end."""
        with _trouble(self.what):
            return await self._content.readany()

    async def line(self) -> bytes:
        """One line with its newline; without one at the end. Gone when it is longer than the buffer (4 MiB)."""
        try:
            with _trouble(self.what):
                return await self._content.readline()
        except ValueError as bad:
            raise Gone(f"{self.what}: {bad}") from None

    async def events(self) -> AsyncIterator[Event]:
        while (line := await self.line()).endswith(
            b"\n"
        ):  # cut inside an event: it comes again after the last whole one
            yield _event(line, self.what)


def _event(line: bytes, what: str) -> Event:
    try:
        event = json.loads(line)
        kind, obj = event["type"], event["object"]
        if kind in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK") and obj["metadata"]["resourceVersion"]:
            return Event(kind, obj)
        if kind == "ERROR":
            raise Gone(f"{what}: {obj.get('message') or obj.get('reason') or 'error'}")
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise Gone(f"{what}: not a watch event: {_short(line)}")


def _query(**parts: str) -> Query:
    return [(key, value) for key, value in parts.items() if value]


@contextmanager
def _trouble(what: str) -> Iterator[None]:
    """No answer, or one that broke off, is Unreachable, whatever library it is noticed in."""
    try:
        yield
    except (TimeoutError, aiohttp.ClientError, OSError) as bad:
        raise Unreachable(f"{what}: {str(bad) or type(bad).__name__}") from bad


_NEVER = (
    "failed to create typed patch object",
    "etcdserver: request is too large",
    "trying to send message larger than max",
)
"""A 500 in these words is about what was sent and stays so: it does not fit the schema (an env name twice, say), or
etcd does not take as much."""
_OLD_SCHEMA = "field not declared in schema"
"""A custom resource's definition here is older than the daemon."""


def _refusal(what: str, status: int, text: bytes, headers: Mapping[str, str]) -> AkpError:
    """The error for an HTTP answer; the API server's answers are Status objects with a message for people."""
    try:
        found = json.loads(text)
    except ValueError:
        found = {}
    answer: Mapping[str, Any] = found if isinstance(found, dict) else {}
    says = f"{what}: {answer.get('message') or _short(text) or 'HTTP'} ({status})"
    details = answer.get("details") or {}
    causes = {cause.get("reason") for cause in details.get("causes") or [] if isinstance(cause, dict)}
    if status == 410:
        return Gone(says)
    if status == 500 and any(words in says for words in _NEVER):
        return Refused(says, blame=Blame.CLUSTER if _OLD_SCHEMA in says else Blame.TENANT)
    if status in (408, 429) or status >= 500:
        after = headers.get("Retry-After", "") or str(details.get("retryAfterSeconds") or "")
        return Retry(says, after_s=float(after) if after.isdigit() else None)
    if status == 401:
        return Retry(f"{says}; the credential of the kubeconfig or service account is not accepted")
    if status == 403 and "NamespaceTerminating" in causes:
        return Retry(says)
    if status == 404:
        return NotFound(says)
    if status == 409:
        return Conflict(says)
    if status == 422 and any(str(reason).startswith("FieldValue") for reason in causes):
        return WrongFields(says, blame=Blame.TENANT)
    return Refused(says, blame=Blame.TENANT if status == 413 else Blame.CLUSTER)


def _short(text: bytes) -> str:
    shown = text[:200].decode(errors="replace").strip()
    return shown + "…" if len(text) > 200 else shown


async def _configuration(settings: ClusterSettings) -> Any:
    """The library's Configuration, filled; ConfigError with a cure."""
    configuration = Configuration()
    configuration.connection_pool_maxsize = (
        0  # no limit: every mirror and every followed log holds a connection of its own
    )
    if settings.kubeconfig is None:
        try:
            kube_config.load_incluster_config(client_configuration=configuration)
        except kube_config.ConfigException as bad:
            raise ConfigError(
                "cluster.kubeconfig",
                f"not set, and this is not a pod of a cluster ({bad})",
                "Give the path of a kubeconfig.",
            ) from None
        return configuration
    file = settings.kubeconfig.expanduser()
    where = f"cluster.kubeconfig {file}"
    _readable(file, where)
    try:
        await kube_config.load_kube_config(
            config_file=str(file), context=settings.context, client_configuration=configuration, persist_config=False
        )
    except (kube_config.ConfigException, ValueError, KeyError, TypeError, OSError, yaml.YAMLError) as bad:
        cure = "Name a context of the file in cluster.context, or give another file."
        raise ConfigError(where, f"cannot be used: {str(bad).rstrip('.')}", cure) from None
    return configuration


def _readable(file: Path, where: str) -> None:
    try:
        file.read_bytes()
    except OSError as bad:
        raise ConfigError(where, bad.strerror or "cannot be read", "Give the path of a readable kubeconfig.") from None
