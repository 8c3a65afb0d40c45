"""What a write does to an object, whatever way it comes in: create, update, patch, apply, delete, and what the server
adds.

Every way ends in `_commit`: status and spec kept apart, defaults, checks, generation, owners of fields, and no new
version when nothing changed. Deletion is a date first, when somebody still has to finish (finalizers, or a pod's
containers).
"""

from __future__ import annotations

import datetime
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from provider.sandbox.cluster import apply as ssa
from provider.sandbox.cluster import fields, kinds, quantity, status
from provider.sandbox.cluster.apply import Manager
from provider.sandbox.cluster.defaults import defaulted
from provider.sandbox.cluster.definitions import kinds_of, schema_faults
from provider.sandbox.cluster.kinds import Kind, Kinds
from provider.sandbox.cluster.patches import json_patch, merge_patch
from provider.sandbox.cluster.services import Addresses
from provider.sandbox.cluster.shapes import Shape, WrongType, read
from provider.sandbox.cluster.store import Store
from provider.sandbox.cluster.validate import faults

Json = dict[str, Any]
_NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True, slots=True)
class Write:
    """How a request wants to write. `strict`: unknown fields are refused; else they are dropped and named in
    `unknown`.
    """

    manager: str = "unknown"
    subresource: str = ""
    dry_run: bool = False
    strict: bool = False
    force: bool = False
    unknown: list[str] | None = None


class Objects:
    """The one door to the store. Raises ApiError; what it returns is what the server would answer with."""

    def __init__(self, store: Store, table: Kinds) -> None:
        self.store, self.kinds = store, table
        self.addresses = Addresses(store)

    # ------------------------------------------------------------------ reading

    def get(self, kind: Kind, namespace: str, name: str) -> Json:
        found = self.store.get(kind.resource, namespace, name)
        if found is None:
            raise status.not_found(kind.group, kind.plural, name)
        return self.shown(kind, found)

    def shown(self, kind: Kind, obj: Json) -> Json:
        """In the version asked for (custom resources are converted by name only)."""
        return obj if obj["apiVersion"] == kind.api_version else obj | {"apiVersion": kind.api_version}

    # ------------------------------------------------------------------ writing

    def create(self, kind: Kind, namespace: str, body: Json, how: Write) -> Json:
        new = self._read(kind, namespace, body, how)
        meta = new["metadata"]
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"][:58] + "".join(secrets.choice(_NAME_LETTERS) for _ in range(5))
        if meta.get("resourceVersion"):
            raise status.ApiError(500, "", "resourceVersion should not be set on objects to be created")
        self._admit_into(kind, namespace, meta.get("name", ""))
        who = Manager(how.manager, "Update")
        return self._commit(
            kind, None, new, lambda made: ssa.update(kind.shape, None, made, who, ignored=_ignored(kind, "")), how
        )

    def update(self, kind: Kind, namespace: str, name: str, body: Json, how: Write) -> Json:
        new = self._read(kind, namespace, body, how)
        if new["metadata"].get("name") != name:
            given = new["metadata"].get("name", "")
            raise status.bad_request(f"the name of the object ({given}) does not match the name on the URL ({name})")
        live = self.store.get(kind.resource, namespace, name)
        if live is None:
            raise status.not_found(kind.group, kind.plural, name)
        if kind.custom and not new["metadata"].get("resourceVersion"):
            cause = status.bad("metadata.resourceVersion", 0, "must be specified for an update")
            raise status.invalid(kind.group, kind.plural, name, [cause])
        return self._replace(kind, live, new, how)

    def patch(self, kind: Kind, namespace: str, name: str, how: Write, form: str, body: Any) -> Json:
        """`form` is merge or json."""
        live = self.store.get(kind.resource, namespace, name)
        if live is None:
            raise status.not_found(kind.group, kind.plural, name)
        shown = self.shown(kind, live)
        patched = json_patch(shown, body) if form == "json" else merge_patch(shown, body)
        if not isinstance(patched, dict):
            raise status.bad_request("the patch does not leave an object")
        if patched.get("metadata", {}).get("name") != name:
            cause = status.bad("metadata.name", patched.get("metadata", {}).get("name", ""), "field is immutable")
            raise status.invalid(kind.group, kind.kind, name, [cause])
        return self._replace(kind, live, self._read(kind, namespace, patched, how), how)

    def apply(self, kind: Kind, namespace: str, name: str, body: Json, how: Write) -> tuple[Json, bool]:
        """The object, and whether it is new."""
        if (body.get("metadata") or {}).get("managedFields") is not None:
            raise status.bad_request("metadata.managedFields must be nil")
        config = self._read(kind, namespace, body, how, empties=True)
        given = config["metadata"].get("name", "")
        if given != name:
            raise status.bad_request(f"the name of the object ({given}) does not match the name on the URL ({name})")
        if wrong := _untyped(kind.shape, body, config):  # a request's fault, but 500 is what a real server answers
            written = (body.get("metadata") or {}).get("namespace", "")  # as in the body, which may leave it out
            which = f"({written}/{name}; {kind.api_version}, Kind={kind.kind})"
            raise status.ApiError(500, "", f"failed to create typed patch object {which}: {wrong}")
        who = Manager(how.manager, "Apply", how.subresource)
        live = self.store.get(kind.resource, namespace, name)
        ignored = _ignored(kind, how.subresource)
        if live is None:
            if config["metadata"].get("resourceVersion") or how.subresource:
                raise status.not_found(kind.group, kind.plural, name)
            self._admit_into(kind, namespace, name)
            owned = {who: ssa.ownable(set(fields.leaves(kind.shape, config)), ignored=ignored)}
            new = self._read(kind, namespace, config, how)
            return self._commit(kind, None, new, lambda _: owned, how), True
        asked = config["metadata"].pop("resourceVersion", None)
        if asked and asked != live["metadata"]["resourceVersion"]:
            raise status.conflict(kind.group, kind.plural, name, status.MODIFIED)
        shown = self.shown(kind, live)
        merged, owned = ssa.apply(kind.shape, shown, config, who, force=how.force, ignored=ignored)
        return self._commit(kind, live, self._read(kind, namespace, merged, how), lambda _: owned, how), False

    def delete(self, kind: Kind, namespace: str, name: str, options: Json) -> tuple[Json, bool]:
        """The object when it is still being deleted, else a Status; and whether it is gone."""
        live = self.store.get(kind.resource, namespace, name)
        if live is None:
            raise status.not_found(kind.group, kind.plural, name)
        meta = live["metadata"]
        wanted = options.get("preconditions") or {}
        for field, told in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            if wanted.get(field) and wanted[field] != meta[field]:
                why = f"Precondition failed: {told} asked for: {wanted[field]}, {told} of the object: {meta[field]}"
                raise status.conflict(kind.group, kind.plural, name, why)
        if kind.resource == "namespaces" and name in ("default", "kube-system", "kube-public", "kube-node-lease"):
            raise status.forbidden("", "namespaces", name, "this namespace may not be deleted")
        finalizers = list(meta.get("finalizers") or [])
        policy = options.get("propagationPolicy")
        for added in {"Foreground": "foregroundDeletion", "Orphan": "orphan"}.get(policy or "", "").split():
            if added not in finalizers:
                finalizers.append(added)
        grace = _grace(kind, live, options)
        waits = (
            bool(finalizers) or grace > 0 or (kind.resource == "namespaces" and bool(live["spec"].get("finalizers")))
        )
        if not waits:
            if not options.get("dryRun"):
                self.remove(kind, namespace, name)
            details = {
                "name": name,
                **({"group": kind.group} if kind.group else {}),
                "kind": kind.plural,
                "uid": meta["uid"],
            }
            gone = live if kind.resource == "pods" else status.success(details)
            return gone, True
        if (
            "deletionTimestamp" in meta
            and grace >= meta.get("deletionGracePeriodSeconds", 0)
            and finalizers == meta.get("finalizers", [])
        ):
            if kind.resource == "namespaces":
                why = (
                    "The system is ensuring all content is removed from this namespace.  "
                    "Upon completion, this namespace will automatically be purged by the system."
                )
                raise status.conflict("", "namespaces", name, why)
            return live, False
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=grace)
        stamped = meta | {
            "deletionTimestamp": meta.get("deletionTimestamp", _stamp(ends)),
            "deletionGracePeriodSeconds": grace,
        }
        if finalizers:
            stamped["finalizers"] = finalizers
        if "generation" in meta and "deletionTimestamp" not in meta:
            stamped["generation"] = meta["generation"] + 1
        if kind.resource == "namespaces":
            stamped.pop("deletionGracePeriodSeconds")
            live = live | {"status": live["status"] | {"phase": "Terminating"}}
        dying = live | {"metadata": stamped}
        return (dying if options.get("dryRun") else self.store.put(kind.resource, dying)), False

    def remove(self, kind: Kind, namespace: str, name: str) -> None:
        """Take the object out now; its node ports and address are free again."""
        self.store.remove(kind.resource, namespace, name)
        if kind.resource == kinds.DEFINITIONS.resource:
            group, plural = name.partition(".")[2], name.partition(".")[0]
            for obj in self.store.list(name):
                self.store.remove(name, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
            self.kinds.serve(group, plural, [])

    def write_status(self, kind: Kind, live: Json, state: Json, manager: str = "kube-controller-manager") -> Json:
        """What a controller found out; no new version when it knew that already."""
        meta = live["metadata"]
        how = Write(manager=manager, subresource="status")
        return self.update(kind, meta.get("namespace", ""), meta["name"], live | {"status": state}, how)

    # ------------------------------------------------------------------ steps of a write

    def _read(self, kind: Kind, namespace: str, body: Any, how: Write, *, empties: bool = False) -> Json:
        """The body as this kind; unknown fields dropped. `empties` keeps empty values, which an applier may own."""
        if not isinstance(body, dict):
            raise status.bad_request("the body is not an object")
        for name, expected in (("apiVersion", kind.api_version), ("kind", kind.kind)):
            given = body.get(name, expected)
            if given != expected:
                what = "API version" if name == "apiVersion" else "kind"
                raise status.bad_request(
                    f"the {what} in the data ({given}) does not match the expected {what} ({expected})"
                )
        unknown: list[str] = []
        try:
            new: Json = read(kind.shape, body, "", unknown, empties)
        except WrongType as wrong:
            if kind.custom:
                name = str((body.get("metadata") or {}).get("name", ""))
                why = f"{wrong.path} in body must be of type {wrong.wanted}: {wrong.found!r}"
                raise status.invalid(kind.group, kind.kind, name, [status.bad(wrong.path, wrong.found, why)]) from None
            text = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {wrong}'
            raise status.bad_request(text) from None
        if unknown and how.strict:
            listed = ", ".join(f'unknown field "{each}"' for each in unknown)
            text = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}'
            raise status.bad_request(f"{text}: strict decoding error: {listed}")
        if how.unknown is not None:
            how.unknown.extend(unknown)
        new |= {"apiVersion": kind.api_version, "kind": kind.kind}
        meta = dict(new.get("metadata") or {})
        if kind.namespaced:
            if meta.get("namespace", namespace) != namespace:
                raise status.bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
            meta["namespace"] = namespace
        else:
            meta.pop("namespace", None)
        return {"apiVersion": new["apiVersion"], "kind": new["kind"], "metadata": meta} | {
            name: each for name, each in new.items() if name not in ("apiVersion", "kind", "metadata")
        }

    def _replace(self, kind: Kind, live: Json, new: Json, how: Write) -> Json:
        asked = new["metadata"].get("resourceVersion")
        if asked and asked != live["metadata"]["resourceVersion"]:
            raise status.conflict(kind.group, kind.plural, live["metadata"]["name"], status.MODIFIED)
        uid = new["metadata"].get("uid")
        if uid and uid != live["metadata"]["uid"]:
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {live['metadata']['uid']}"
            raise status.conflict(kind.group, kind.plural, live["metadata"]["name"], why)
        who = Manager(how.manager, "Update", how.subresource)
        ignored = _ignored(kind, how.subresource)
        return self._commit(kind, live, new, lambda made: ssa.update(kind.shape, live, made, who, ignored=ignored), how)

    def _admit_into(self, kind: Kind, namespace: str, name: str) -> None:
        if not kind.namespaced:
            return
        home = self.store.get("namespaces", "", namespace)
        if home is None:
            raise status.not_found("", "namespaces", namespace)
        if "deletionTimestamp" in home["metadata"]:
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {namespace} is being terminated",
                "field": "metadata.namespace",
            }
            raise status.forbidden(kind.group, kind.plural, name, why, [cause])

    def _commit(
        self, kind: Kind, live: Json | None, new: Json, owners: Callable[[Json], ssa.Owners], how: Write
    ) -> Json:
        now = _stamp(datetime.datetime.now(datetime.UTC))
        new = _kept_apart(kind, live, new, how.subresource)
        new = new | {"metadata": _server_metadata(kind, live, new["metadata"], now)}
        if not how.subresource:
            new = defaulted(kind.resource, new)
            new = self._admit(kind, live, new)
            if kind.resource == "services" and live is not None:
                new = self.addresses.inherit(new, live)
            causes = faults(kind, new, live) + _custom_faults(kind, new) + _finalizer_faults(live, new)
            if causes:
                raise status.invalid(kind.group, kind.kind, new["metadata"].get("name", ""), causes)
            place = (kind.resource, new["metadata"].get("namespace", ""), new["metadata"]["name"])
            if live is None and self.store.get(*place) is not None:  # told only of what is good in itself
                raise status.already_exists(kind.group, kind.plural, new["metadata"]["name"])
            if kind.resource == "services":
                new = self.addresses.allocate(new, live)
        if "generation" in new["metadata"] and live is not None and _intent(live) != _intent(new):
            new["metadata"]["generation"] = live["metadata"].get("generation", 0) + 1
        ssa.record(new, owners(new), live, now)
        if live is not None and _comparable(live) == _comparable(new):
            return self.shown(kind, live)
        if how.dry_run:
            return self.shown(kind, new)
        if live is not None and "deletionTimestamp" in live["metadata"] and self._finished(kind, live, new):
            self.remove(kind, new["metadata"].get("namespace", ""), new["metadata"]["name"])
            return self.shown(kind, new)
        stored = self.store.put(kind.resource, new)
        if kind.resource == kinds.DEFINITIONS.resource:
            self._serve(stored)
        return self.shown(kind, stored)

    def _admit(self, kind: Kind, live: Json | None, new: Json) -> Json:
        """Admission: namespaces are born with a finalizer, claims get the default class and their protection."""
        if live is not None:
            if kind.resource == "persistentvolumeclaims":
                self._may_grow(live, new)
            return new
        if kind.resource == "namespaces":
            return new | {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        if kind.resource == kinds.DEFINITIONS.resource:  # the nulls are what a real server says before it has looked
            names = {"kind": "", "plural": ""}
            return new | {"status": {"acceptedNames": names, "conditions": None, "storedVersions": None}}
        if kind.resource == "persistentvolumeclaims":
            new["metadata"]["finalizers"] = [*new["metadata"].get("finalizers", []), "kubernetes.io/pvc-protection"]
            if "storageClassName" not in new["spec"]:
                for each in self.store.list("storageclasses.storage.k8s.io"):
                    annotations = each["metadata"].get("annotations", {})
                    if annotations.get("storageclass.kubernetes.io/is-default-class") == "true":
                        new["spec"]["storageClassName"] = each["metadata"]["name"]
        return new

    def _may_grow(self, live: Json, new: Json) -> None:
        sizes = [each["spec"].get("resources", {}).get("requests", {}).get("storage", "0") for each in (live, new)]
        if quantity.parse(sizes[1]) <= quantity.parse(sizes[0]):
            return
        found = self.store.get("storageclasses.storage.k8s.io", "", live["spec"].get("storageClassName", ""))
        if found is None or not found.get("allowVolumeExpansion"):
            why = (
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must"
                " support resize"
            )
            raise status.forbidden("", "persistentvolumeclaims", live["metadata"]["name"], why)

    def _finished(self, kind: Kind, live: Json, new: Json) -> bool:
        if new["metadata"].get("finalizers") or (kind.resource == "namespaces" and new["spec"].get("finalizers")):
            return False
        return kind.resource != "pods" or live["metadata"].get("deletionGracePeriodSeconds", 0) == 0

    def _serve(self, definition: Json) -> None:
        spec = definition["spec"]
        self.kinds.serve(spec["group"], spec["names"]["plural"], kinds_of(definition))


def _untyped(shape: Shape, body: Json, config: Json) -> str:
    """Why what is applied is no object of that kind; "" when it is one."""
    twice = fields.repeated(shape, config)
    if twice is not None:
        return f"duplicate entries for key {fields.dotted(twice)}"
    odd = [f"{fields.dotted(path)}: field not declared in schema" for path in fields.undeclared(shape, body)]
    return "\n  ".join(("errors:", *odd)) if len(odd) > 1 else "".join(odd)


def _ignored(kind: Kind, subresource: str) -> tuple[fields.Path, ...]:
    """Branches a writer of this (sub)resource cannot speak for."""
    if not kind.status:
        return ()
    return (("f:spec",),) if subresource == "status" else (("f:status",),)


def _kept_apart(kind: Kind, live: Json | None, new: Json, subresource: str) -> Json:
    """A status write changes status only, any other write everything else (a Node may be born with one)."""
    if subresource == "status":
        assert live is not None
        kept = {name: each for name, each in new["metadata"].items() if name in ("managedFields",)}
        return live | {"metadata": live["metadata"] | kept, **({"status": new["status"]} if "status" in new else {})}
    if subresource == "finalize":
        assert live is not None
        return live | {"spec": new.get("spec", {})}
    if not kind.status:
        return new
    without = {name: each for name, each in new.items() if name != "status"}
    if live is None:
        return new if kind.resource == "nodes" else without
    return without | ({"status": live["status"]} if "status" in live else {})


_SERVER_OWNED = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
)


def _server_metadata(kind: Kind, live: Json | None, meta: Json, now: str) -> Json:
    meta = {name: each for name, each in meta.items() if name not in (*_SERVER_OWNED, "selfLink")}
    if live is None:
        meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": now}
        return meta | ({"generation": 1} if kind.generations else {})
    return meta | {name: live["metadata"][name] for name in _SERVER_OWNED if name in live["metadata"]}


def _intent(obj: Json) -> Json:
    return {name: each for name, each in obj.items() if name not in ("metadata", "status")}


def _comparable(obj: Json) -> Json:
    meta = {name: each for name, each in obj["metadata"].items() if name != "managedFields"}
    managed = [{k: v for k, v in entry.items() if k != "time"} for entry in obj["metadata"].get("managedFields", [])]
    return obj | {"metadata": meta | {"managedFields": managed}}


def _custom_faults(kind: Kind, new: Json) -> list[status.Cause]:
    if not kind.custom:
        return []
    return schema_faults(kind.shape, new)


def _finalizer_faults(live: Json | None, new: Json) -> list[status.Cause]:
    if live is None or "deletionTimestamp" not in live["metadata"]:
        return []
    added = sorted(set(new["metadata"].get("finalizers") or []) - set(live["metadata"].get("finalizers") or []))
    if not added:
        return []
    listed = ", ".join(f'"{each}"' for each in added)
    why = f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{listed}}}"
    return [status.forbidden_field("metadata.finalizers", why)]


def _grace(kind: Kind, live: Json, options: Json) -> int:
    """Seconds a pod may take to stop; everything else, and a pod that never got a node, goes at once."""
    if kind.resource != "pods" or not live["spec"].get("nodeName"):
        return 0
    if live.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    given = options.get("gracePeriodSeconds")
    return int(live["spec"].get("terminationGracePeriodSeconds", 30) if given is None else given)


def _stamp(when: datetime.datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
