"""What others have added to a pod template that weakens containment: the host's namespaces, its files and ports, rights
that a container has not by itself, an account. Pure.

Whatever else is added (where pods run, labels, a sidecar) is none of this and stays. So does what nobody holds, which a
webhook has put there: it is the cluster's policy, and would come back with each write.

The subtle part is what hangs together. A mount goes with its volume, and a container that is wholly somebody else's
goes whole: without what it was given it would only fail. Of a pod on the host's network the API server writes each port
as one of the host, which is no addition of anybody.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

Path = tuple[str, ...]
"""As in managedFields: `f:name` is a field, `k:{…}` an item of a list by its keys, `v:…` one of a set."""

_SPEC: Path = ("f:spec",)
_NOTES: Path = ("f:metadata", "f:annotations")
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_NETWORK = ".spec.hostNetwork"


def _unconfined(profile: Any) -> bool:
    return bool(profile.get("type") == "Unconfined")


def _root(number: Any) -> bool:
    return bool(number == 0)


_OF_POD: dict[str, Callable[[Any], bool]] = {
    "hostNetwork": bool,
    "hostPID": bool,
    "hostIPC": bool,
    "hostUsers": bool,
    "shareProcessNamespace": bool,
    "automountServiceAccountToken": bool,
    "serviceAccountName": bool,
    "serviceAccount": bool,
}
_OF_SECURITY: dict[str, Callable[[Any], bool]] = {
    "privileged": bool,
    "allowPrivilegeEscalation": bool,
    "procMount": lambda mount: bool(mount == "Unmasked"),
    "runAsUser": _root,
    "runAsGroup": _root,
    "fsGroup": _root,
    "supplementalGroups": lambda groups: 0 in groups,
    "seLinuxOptions": bool,
    "seccompProfile": _unconfined,
    "appArmorProfile": _unconfined,
    "windowsOptions": lambda options: bool(options.get("hostProcess")),
}
_OF_CAPABILITIES: dict[str, Callable[[Any], bool]] = {"add": bool}
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


def contained(template: Mapping[str, Any], theirs: Collection[Path]) -> tuple[Mapping[str, Any], frozenset[str]]:
    """The template without what weakens containment, of the fields that are `theirs`, and what was taken out, e.g.
    `.spec.hostNetwork`; all else is as it was."""
    held = frozenset(path[:end] for path in theirs for end in range(len(path) + 1))
    if not held:
        return template, frozenset()
    out = copy.deepcopy(dict(template))
    spec = out["spec"]
    cut = _drop(spec, _SPEC, _OF_POD, held) | _drop_annotations(out.get("metadata") or {}, held)
    cut |= _drop_below(spec, "securityContext", _SPEC, _OF_SECURITY, held)
    if _NETWORK in cut:
        _drop_written_ports(spec)
    gone = _drop_volumes(spec, held)
    cut |= {text((*_SPEC, "f:volumes", _key(name=name))) for name in gone}
    for field in _CONTAINERS:
        left = []
        for one in spec.get(field) or ():
            at = (*_SPEC, f"f:{field}", _key(name=one["name"]))
            found = _drop_of_container(one, at, held, gone, on_host=bool(spec.get("hostNetwork")))
            if found and (*at, "f:name") in held:
                cut.add(text(at))
                continue
            cut |= found
            left.append(one)
        _put(spec, field, left)
    return (out, frozenset(cut)) if cut else (template, frozenset())


def text(path: Path) -> str:
    """E.g. `.spec.containers[{"name":"web"}].image`."""
    out = ""
    for part in path:
        kind, _, name = part.partition(":")
        out += f".{name}" if kind == "f" else f"[{name}]"
    return out


def _drop(of: dict[str, Any], at: Path, weak: Mapping[str, Callable[[Any], bool]], held: Collection[Path]) -> set[str]:
    found = {
        field
        for field, weakens in weak.items()
        if of.get(field) is not None and (*at, f"f:{field}") in held and weakens(of[field])
    }
    for field in found:
        del of[field]
    return {text((*at, f"f:{field}")) for field in found}


def _drop_below(
    of: dict[str, Any], field: str, at: Path, weak: Mapping[str, Callable[[Any], bool]], held: Collection[Path]
) -> set[str]:
    """Where nothing is left below the field, it goes as well."""
    below = of.get(field)
    if not below:
        return set()
    here = (*at, f"f:{field}")
    found = _drop(below, here, weak, held)
    if weak is _OF_SECURITY:
        found |= _drop_below(below, "capabilities", here, _OF_CAPABILITIES, held)
    if not below:
        del of[field]
    return found


def _drop_annotations(metadata: dict[str, Any], held: Collection[Path]) -> set[str]:
    notes = metadata.get("annotations") or {}
    weak = {key: lambda value: bool(value == "unconfined") for key in notes if key.startswith(_APPARMOR)}
    found = _drop(notes, _NOTES, weak, held)
    if found and not notes:
        del metadata["annotations"]
    return found


def _drop_volumes(spec: dict[str, Any], held: Collection[Path]) -> set[str]:
    volumes = spec.get("volumes") or ()
    gone = {one["name"] for one in volumes if _opens(one, (*_SPEC, "f:volumes", _key(name=one["name"])), held)}
    _put(spec, "volumes", [one for one in volumes if one["name"] not in gone])
    return gone


def _opens(volume: Mapping[str, Any], at: Path, held: Collection[Path]) -> bool:
    """Whether it leads to files of the host, or to a token of an account."""
    if "hostPath" in volume and (*at, "f:hostPath") in held:
        return True
    sources = (volume.get("projected") or {}).get("sources") or ()
    return (*at, "f:projected") in held and any("serviceAccountToken" in source for source in sources)


def _drop_of_container(
    one: dict[str, Any], at: Path, held: Collection[Path], gone: Collection[str], *, on_host: bool
) -> set[str]:
    found = _drop_below(one, "securityContext", at, _OF_SECURITY, held)
    for port in () if on_host else one.get("ports") or ():
        key = _key(containerPort=port["containerPort"], protocol=port.get("protocol", "TCP"))
        found |= _drop(port, (*at, "f:ports", key), {"hostPort": bool}, held)
    mounts = one.get("volumeMounts") or ()
    found |= {text((*at, "f:volumeMounts", _key(mountPath=m["mountPath"]))) for m in mounts if m["name"] in gone}
    _put(one, "volumeMounts", [mount for mount in mounts if mount["name"] not in gone])
    return found


def _drop_written_ports(spec: Mapping[str, Any]) -> None:
    for field in _CONTAINERS:
        for port in (port for one in spec.get(field) or () for port in one.get("ports") or ()):
            if port.get("hostPort") == port["containerPort"]:
                del port["hostPort"]


def _put(of: dict[str, Any], field: str, items: list[Any]) -> None:
    if items:
        of[field] = items
    else:
        of.pop(field, None)


def _key(**keys: Any) -> str:
    return "k:" + json.dumps(keys, sort_keys=True, separators=(",", ":"))
