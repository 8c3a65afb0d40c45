"""The API over HTTP: paths to resources, query strings to options, errors to Status bodies.

Paths are taken apart by hand, because a resource may come into being (a CustomResourceDefinition) while the server
runs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from aiohttp import web

from provider.sandbox.cluster import discovery, selectors, status
from provider.sandbox.cluster.evictions import evict
from provider.sandbox.cluster.faults import Faults
from provider.sandbox.cluster.kinds import Kind
from provider.sandbox.cluster.objects import Objects, Write
from provider.sandbox.cluster.pods import Containers
from provider.sandbox.cluster.status import ApiError
from provider.sandbox.cluster.watch import Watch

Json = dict[str, Any]
_APPLY = ("application/apply-patch+yaml", "application/apply-patch+cbor")
_DEFAULT_WATCH_S = 1800.0


@dataclass(frozen=True, slots=True)
class Target:
    """What a path means. An empty name means the collection, an empty namespace all of them."""

    kind: Kind
    namespace: str
    name: str
    subresource: str


def application(objects: Objects, faults: Faults, containers: Containers) -> web.Application:
    api = _Api(objects, faults, containers)
    app = web.Application(client_max_size=16 << 20)
    app.router.add_route("*", "/{path:.*}", api.serve)
    return app


class _Api:
    def __init__(self, objects: Objects, faults: Faults, containers: Containers) -> None:
        self._objects, self._faults, self._containers = objects, faults, containers

    async def serve(self, request: web.Request) -> web.StreamResponse:
        try:
            lost = await self._faults.meet(request.method, request.path_qs)
            answer = await self._answer(request)
            if lost and request.transport is not None:
                request.transport.abort()
            return answer
        except ApiError as no:
            headers = {}
            if no.details and "retryAfterSeconds" in no.details:
                headers["Retry-After"] = str(no.details["retryAfterSeconds"])
            return web.json_response(no.body(), status=no.code, headers=headers)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        found = discovery.answer(request.path, self._objects.kinds)
        if found is not None:
            return found if isinstance(found, web.Response) else web.json_response(found)
        target = self._target(request.path)
        if target.subresource in ("log", "exec", "attach") and target.kind.resource == "pods":
            self._objects.get(target.kind, target.namespace, target.name)
            if target.subresource == "log":
                return await self._containers.log(request, target.namespace, target.name)
            return await self._containers.exec(request, target.namespace, target.name)
        if (target.subresource, target.kind.resource, request.method) == ("eviction", "pods", "POST"):
            return web.json_response(evict(self._objects, target.namespace, target.name), status=201)
        if target.subresource not in ("", "status", "finalize", "scale") or (
            target.subresource == "status" and not target.kind.status
        ):
            raise status.no_such_resource()
        if target.subresource == "scale":
            return await self._scale(request, target)
        match request.method:
            case "GET" if target.name:
                return web.json_response(self._objects.get(target.kind, target.namespace, target.name))
            case "GET" if request.query.get("watch") in ("true", "1"):
                return await self._watch(request, target)
            case "GET":
                return web.json_response(self._list(request.query, target))
            case "POST" if not target.name:
                return await self._write(request, target)
            case "PUT" | "PATCH" if target.name:
                return await self._write(request, target)
            case "DELETE":
                return await self._delete(request, target)
        raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})

    def _target(self, path: str) -> Target:
        parts = [part for part in path.split("/") if part]
        match parts:
            case ["api", "v1", *rest]:
                group, version = "", "v1"
            case ["apis", group, version, *rest]:
                pass
            case _:
                raise status.no_such_resource()
        namespace = ""
        if rest[:1] == ["namespaces"] and len(rest) > 2 and rest[2] not in ("status", "finalize"):
            namespace, rest = rest[1], rest[2:]
        kind = self._objects.kinds.find(group, version, rest[0]) if rest else None
        if kind is None or len(rest) > 3 or (namespace and not kind.namespaced):
            raise status.no_such_resource()
        name = rest[1] if len(rest) > 1 else ""
        if kind.namespaced and name and not namespace:
            raise status.no_such_resource()
        return Target(kind, namespace, name, rest[2] if len(rest) > 2 else "")

    # ------------------------------------------------------------------ reading

    def _list(self, query: Mapping[str, str], target: Target) -> Json:
        store, kind = self._objects.store, target.kind
        wanted = _wanted(query, kind)
        version, after = store.version, None
        if query.get("continue"):
            version, after = _opened(query["continue"])
            if version < store.oldest:
                why = "The provided continue parameter is too old to display a consistent list result."
                raise ApiError(410, "Expired", why)
        else:
            _known_version(query.get("resourceVersion", ""), store.version)
        found = [obj for obj in store.list_at(version, kind.resource, target.namespace) if wanted(obj)]
        if after is not None:
            found = [obj for obj in found if _place(obj) > after]
        limit = int(query.get("limit") or 0)
        meta: Json = {"resourceVersion": str(version)}
        if 0 < limit < len(found):
            if not query.get("labelSelector") and not query.get("fieldSelector"):
                meta["remainingItemCount"] = len(found) - limit
            found = found[:limit]
            meta["continue"] = _closed(version, _place(found[-1]))
        items = [self._objects.shown(kind, obj) for obj in found]
        if not kind.custom:
            items = [{name: each for name, each in obj.items() if name not in ("kind", "apiVersion")} for obj in items]
        return {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": meta, "items": items}

    async def _watch(self, request: web.Request, target: Target) -> web.StreamResponse:
        query, store, kind = request.query, self._objects.store, target.kind
        asked = query.get("resourceVersion", "")
        _known_version(asked, store.version)
        initial = query.get("sendInitialEvents") == "true"
        watch = Watch(
            store,
            kind,
            target.namespace,
            _wanted(query, kind),
            lambda obj: self._objects.shown(kind, obj),
            since=None if initial or asked in ("", "0") else int(asked),
            timeout_s=float(query.get("timeoutSeconds") or _DEFAULT_WATCH_S),
            bookmarks=query.get("allowWatchBookmarks") in ("true", "1"),
            initial=initial,
        )
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        self._faults.watches.add(watch)
        try:
            async for line in watch.lines():
                await response.write(line)
            await response.write_eof()
        except ConnectionError:
            pass  # the client went away, which is how most watches end
        finally:
            self._faults.watches.discard(watch)
        return response

    # ------------------------------------------------------------------ writing

    async def _write(self, request: web.Request, target: Target) -> web.Response:
        kind, query = target.kind, request.query
        unknown: list[str] = []
        how = Write(
            manager=query.get("fieldManager") or request.headers.get("User-Agent", "unknown").partition("/")[0],
            subresource=target.subresource,
            dry_run=query.get("dryRun") == "All",
            strict=query.get("fieldValidation") == "Strict",
            force=query.get("force") in ("true", "1"),
            unknown=unknown,
        )
        code = 200
        form = request.content_type
        if request.method == "POST":
            body = await _body(request)
            namespace = target.namespace
            if kind.namespaced and not namespace:
                namespace = (body.get("metadata") or {}).get("namespace", "")
            result, code = self._objects.create(kind, namespace, body, how), 201
        elif request.method == "PUT":
            result = self._objects.update(kind, target.namespace, target.name, await _body(request), how)
        elif form in _APPLY:
            if not query.get("fieldManager"):
                cause = status.required("fieldManager", "is required for apply patch")
                raise status.invalid("meta.k8s.io", "PatchOptions", "", [cause])
            result, new = self._objects.apply(kind, target.namespace, target.name, await _body(request), how)
            code = 201 if new else 200
        elif form in ("application/merge-patch+json", "application/json-patch+json"):
            if how.force:
                cause = status.forbidden_field("force", "may not be specified for non-apply patch")
                raise status.invalid("meta.k8s.io", "PatchOptions", "", [cause])
            style = "json" if form.startswith("application/json") else "merge"
            result = self._objects.patch(kind, target.namespace, target.name, how, style, await _body(request))
        else:
            known = ", ".join(("application/json-patch+json", "application/merge-patch+json", _APPLY[0]))
            why = f"the body of the request was in an unknown format - accepted media types include: {known}"
            raise ApiError(415, "UnsupportedMediaType", why, {})
        headers = {"Warning": ", ".join(f'299 - "unknown field \\"{each}\\""' for each in unknown)} if unknown else {}
        return web.json_response(result, status=code, headers=headers)

    async def _scale(self, request: web.Request, target: Target) -> web.Response:
        """Read and merge-patch `spec.replicas` only."""
        live = self._objects.get(target.kind, target.namespace, target.name)
        if "replicas" not in live.get("spec", {}):
            raise status.no_such_resource()
        if request.method in ("PATCH", "PUT"):
            replicas = (await _body(request)).get("spec", {}).get("replicas", live["spec"]["replicas"])
            how = Write(manager=request.query.get("fieldManager") or "unknown")
            change = {"spec": {"replicas": replicas}}
            live = self._objects.patch(target.kind, target.namespace, target.name, how, "merge", change)
        scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": live["metadata"]}
        count = live.get("status", {}).get("replicas", 0)
        return web.json_response(
            scale | {"spec": {"replicas": live["spec"]["replicas"]}, "status": {"replicas": count}}
        )

    async def _delete(self, request: web.Request, target: Target) -> web.Response:
        options = dict(await _body(request)) if request.can_read_body else {}
        for name in ("propagationPolicy", "gracePeriodSeconds", "dryRun"):
            if name in request.query:
                text = request.query[name]
                options.setdefault(name, int(text) if name == "gracePeriodSeconds" else text)
        if target.name:
            body, _ = self._objects.delete(target.kind, target.namespace, target.name, options)
            return web.json_response(body)
        doomed = self._list(request.query, target)
        for item in doomed["items"]:
            meta = item["metadata"]
            self._objects.delete(target.kind, meta.get("namespace", ""), meta["name"], options)
        return web.json_response(doomed)


async def _body(request: web.Request) -> Any:
    """JSON, or YAML where the content type says so (apply); 400 when it is neither."""
    if "protobuf" in request.content_type or "cbor" in request.content_type:
        raise ApiError(415, "UnsupportedMediaType", "the embedded stand-in reads JSON and YAML only", {})
    raw = await request.read()
    if not raw:
        return {}
    try:
        return yaml.safe_load(raw) if "yaml" in request.content_type else json.loads(raw)
    except (ValueError, yaml.YAMLError) as bad:
        raise status.bad_request(f"the object provided is unrecognized: {bad}") from None


def _wanted(query: Mapping[str, str], kind: Kind) -> Callable[[Json], bool]:
    by_label = selectors.labels(query.get("labelSelector", ""))
    by_field = selectors.fields(query.get("fieldSelector", ""), kind.plural)
    return lambda obj: by_label(obj) and by_field(obj)


def _known_version(asked: str, now: int) -> None:
    if asked and not asked.isdigit():
        raise status.bad_request(
            f'resourceVersion: Invalid value: "{asked}": strconv.ParseUint: parsing "{asked}": invalid syntax'
        )
    if asked and int(asked) > now:
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        details = {"causes": [cause], "retryAfterSeconds": 1}
        raise ApiError(504, "Timeout", f"Timeout: Too large resource version: {asked}, current: {now}", details)


def _place(obj: Json) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _closed(version: int, place: tuple[str, str]) -> str:
    """A token the client hands back to get the next page."""
    return base64.urlsafe_b64encode(json.dumps([version, *place]).encode()).decode()


def _opened(token: str) -> tuple[int, tuple[str, str]]:
    try:
        version, namespace, name = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise status.bad_request("continue key is not valid") from None
    return int(version), (namespace, name)
