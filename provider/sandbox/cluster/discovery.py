"""The documents by which clients such as kubectl find out what is served: versions, groups, resources, and a note on
what this is.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from provider.sandbox.cluster.kinds import Kind, Kinds

Json = dict[str, Any]
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
BANNER = "embedded stand-in of the Kubernetes API: objects are real, no container runs"


_SHORT = {
    "namespaces": "ns",
    "nodes": "no",
    "pods": "po",
    "services": "svc",
    "configmaps": "cm",
    "serviceaccounts": "sa",
    "persistentvolumeclaims": "pvc",
    "persistentvolumes": "pv",
    "deployments": "deploy",
    "replicasets": "rs",
    "statefulsets": "sts",
    "ingresses": "ing",
    "networkpolicies": "netpol",
    "storageclasses": "sc",
    "customresourcedefinitions": "crd",
}


def answer(path: str, kinds: Kinds) -> web.Response | Json | None:
    """The document at a path; None when the path is a resource's."""
    match [part for part in path.split("/") if part]:
        case ["healthz" | "readyz" | "livez"]:
            return web.Response(text="ok")
        case ["version"]:
            return {"major": "1", "minor": "34", "gitVersion": "v1.34.4+akp.sandbox", "platform": BANNER}
        case []:
            return {"paths": ["/api", "/api/v1", "/apis", "/healthz", "/readyz", "/version"]}
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"]}
        case ["apis"]:
            return {
                "kind": "APIGroupList",
                "apiVersion": "v1",
                "groups": [_group(each, kinds) for each in _groups(kinds)],
            }
        case ["apis", group] if group in _groups(kinds):
            return {"kind": "APIGroup", "apiVersion": "v1"} | _group(group, kinds)
        case ["api", "v1"]:
            return _resources("", "v1", kinds)
        case ["apis", group, version] if any(each.group == group and each.version == version for each in kinds.all()):
            return _resources(group, version, kinds)
    return None


def _groups(kinds: Kinds) -> list[str]:
    return sorted({kind.group for kind in kinds.all() if kind.group})


def _group(name: str, kinds: Kinds) -> Json:
    versions = sorted({kind.version for kind in kinds.all() if kind.group == name}, reverse=True)
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resources(group: str, version: str, kinds: Kinds) -> Json:
    found = [kind for kind in kinds.all() if (kind.group, kind.version) == (group, version)]
    entries = [entry for kind in found for entry in _entries(kind)]
    api_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": entries}


def _short(kind: Kind) -> list[str]:
    built_in = [] if kind.custom or kind.plural not in _SHORT else [_SHORT[kind.plural]]
    return [*built_in, *kind.short]


def _entries(kind: Kind) -> list[Json]:
    base = {"namespaced": kind.namespaced, "kind": kind.kind}
    entries: list[Json] = [
        {"name": kind.plural, "singularName": kind.kind.lower(), "verbs": VERBS, "shortNames": _short(kind)} | base
    ]
    if kind.status:
        entries.append(
            {"name": f"{kind.plural}/status", "singularName": "", "verbs": ["get", "patch", "update"]} | base
        )
    if kind.resource == "pods":
        entries.append({"name": "pods/log", "singularName": "", "verbs": ["get"]} | base)
        entries.append({"name": "pods/exec", "singularName": "", "verbs": ["create", "get"]} | base)
    return entries
