"""`akp leases render FILE`: the objects of a lease, from its Manifest resource and the settings alone.

Nothing is asked: no cluster, no chain. What the daemon reads from its cluster besides, the addresses of API servers and
the names behind storage classes, is taken from `cluster.api_servers` and `cluster.storage_classes`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
import yaml

from manifests.digest import revision
from manifests.errors import Invalid
from manifests.render import render
from manifests.render.crd import read_manifest
from provider.cluster.site import site_of
from provider.errors import ConfigError
from provider.settings import load

MAX_FILE_BYTES = 16 << 20


def render_lease(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A Manifest resource, YAML or JSON; - reads stdin.")],
    config: Annotated[Path | None, typer.Option(help="The daemon's YAML settings file.", envvar="AKP_CONFIG")] = None,
    output: Annotated[Literal["json", "yaml"], typer.Option("--output", "-o")] = "yaml",
) -> None:
    """Print the Kubernetes objects of a lease in the order of apply. FILE is its Manifest resource as kept in the
    cluster: `kubectl get manifest -n lease NAME -o yaml`. Exit code 2 if it cannot be rendered."""
    objects = rendered(file, _read(file), config)
    if output == "json":
        print(json.dumps(objects, indent=2, ensure_ascii=False))
        return
    plain = json.loads(json.dumps(objects))  # without YAML anchors where values are shared
    print(yaml.safe_dump_all(plain, sort_keys=False, width=120, allow_unicode=True, explicit_start=True), end="")


def rendered(where: str, data: bytes, config: Path | None = None) -> list[dict[str, Any]]:
    """ConfigError names the file, the place in it and the cure."""
    found = _manifest(where, _parsed(where, data))
    site = site_of(load(config).cluster)
    try:
        stored = read_manifest(found)
        return render(stored.lease, stored.group, stored.plan, site, revision(stored.group))
    except Invalid as bad:
        raise ConfigError(f"{where}: {bad.path}" if bad.path else where, bad.message, _CURE) from None


_CURE = "Print it anew with `kubectl get manifest -n lease NAME -o yaml`, or mend it there."


def _parsed(where: str, data: bytes) -> Any:
    try:
        text = data.decode("utf-8-sig")
        if text.lstrip().startswith("{"):
            return json.loads(text)
        # Not libyaml: on deep nesting that ends the process.
        documents = [document for document in yaml.load_all(text, Loader=yaml.SafeLoader) if document is not None]
    except json.JSONDecodeError as bad:
        raise ConfigError(f"{where}:{bad.lineno}:{bad.colno}", f"is not JSON: {bad.msg}", _CURE) from None
    except UnicodeDecodeError as bad:
        raise ConfigError(where, f"is not text in UTF-8, at byte {bad.start}", _CURE) from None
    except (yaml.YAMLError, ValueError) as bad:  # ValueError: a date that is none
        mark = getattr(bad, "problem_mark", None)
        at = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
        raise ConfigError(at, f"is not YAML: {getattr(bad, 'problem', None) or bad}", _CURE) from None
    except RecursionError:
        raise ConfigError(where, "is nested too deep", _CURE) from None
    if len(documents) != 1:
        raise ConfigError(where, f"holds {len(documents)} documents", "Give one Manifest at a time.")
    return documents[0]


def _manifest(where: str, found: Any) -> dict[str, Any]:
    """The resource itself, or the only one of a list, as kubectl prints it for a selector."""
    if isinstance(found, dict) and found.get("kind") in ("List", "ManifestList"):
        items = found.get("items")
        if not isinstance(items, list) or len(items) != 1:
            count = len(items) if isinstance(items, list) else 0
            raise ConfigError(f"{where}: items", f"holds {count} resources", "Give one Manifest at a time.")
        found = items[0]
    if not isinstance(found, dict):
        raise ConfigError(where, f"an object is expected, found {type(found).__name__}", _CURE)
    if found.get("kind") != "Manifest":
        kind = f"is of the kind {found['kind']!r}" if "kind" in found else "names no kind"
        raise ConfigError(f"{where}: kind", f"{kind}, not a Manifest", _CURE)
    return found


def _read(file: str) -> bytes:
    try:
        if file == "-":
            data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(MAX_FILE_BYTES + 1)
    except OSError as bad:
        raise ConfigError(file, bad.strerror or "cannot be read", "Give the path of a readable file, or -.") from None
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(file, f"is larger than {MAX_FILE_BYTES >> 20} MiB", "No cluster keeps such a Manifest.")
    return data
