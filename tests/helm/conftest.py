"""The chart rendered by the real helm, and Kubernetes' own schemas for kubeconform."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.cluster import gatewayapi
from e2e.tools import ToolMissing, cache, ensure
from manifests.render.crd import definitions

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "akash-provider"
VALUES = Path(__file__).resolve().parent / "values"


@pytest.fixture(scope="session")
def chart() -> Path:
    return CHART


@pytest.fixture(scope="session")
def tool() -> Callable[[str], Path]:
    """`tool("helm")`: built on first use, which takes minutes; skips where there is no Go."""

    def found(name: str) -> Path:
        if shutil.which("go") is None:
            pytest.skip(f"{name} is built from Go modules, and there is no `go` on PATH")
        try:
            return ensure(name)
        except ToolMissing as missing:
            pytest.fail(str(missing))

    return found


@pytest.fixture(scope="session")
def template(tool: Callable[[str], Path], kubernetes_version: str) -> Callable[..., str]:
    """`template("minimal", ...)`: what helm makes of values/minimal.yaml; ValueError with its words."""

    def rendered(values: str, *more: str) -> str:
        command = [str(tool("helm")), "template", "provider", str(CHART), "--namespace", "akash-services"]
        command += ["--kube-version", kubernetes_version, "--values", str(VALUES / f"{values}.yaml"), *more]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(done.stderr)
        return done.stdout

    return rendered


@pytest.fixture(scope="session")
def kubernetes_version() -> str:
    """That of the control plane the end-to-end tests build."""
    pins = (ROOT / "e2e" / "cluster" / "go" / "kubernetes" / "go.mod").read_text()
    found = re.search(r"k8s\.io/kubernetes v(\S+)", pins)
    assert found
    return found[1]


@pytest.fixture(scope="session")
def conforms(tool: Callable[[str], Path], kubernetes_version: str) -> Callable[[str], list[dict[str, Any]]]:
    """`conforms(yaml)`: kubeconform's objections; none when every field is one that Kubernetes declares."""
    schemas = _schemas(kubernetes_version)
    program = tool("kubeconform")

    def objections(text: str) -> list[dict[str, Any]]:
        location = str(schemas / "{{ .ResourceKind }}{{ .KindSuffix }}.json")
        done = subprocess.run(
            [str(program), "-strict", "-output", "json", "-schema-location", location, "-summary"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        report = json.loads(done.stdout)
        assert report["summary"]["valid"] + report["summary"]["invalid"] + report["summary"]["errors"], (
            "nothing was read"
        )
        assert not report["summary"]["skipped"]
        return list(report.get("resources") or [])

    return objections


def _schemas(version: str) -> Path:
    """A folder with one JSON schema per kind, in the layout kubeconform looks for: from the OpenAPI document in
    Kubernetes' own Go module, and from our definitions and the Gateway API's."""
    home = cache() / "schemas" / version
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:  # another process may be reading what is written here, or writing it
        fcntl.flock(lock, fcntl.LOCK_EX)
        _complete(home, version)
    return home


def _complete(home: Path, version: str) -> None:
    if not (home / ".complete").exists():
        got = subprocess.run(
            ["go", "mod", "download", "-json", f"k8s.io/kubernetes@v{version}"],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT / "helm" / "tools",
        )
        if got.returncode:
            pytest.fail(f"Kubernetes' schemas come from its Go module, which cannot be downloaded: {got.stderr}")
        document = Path(json.loads(got.stdout)["Dir"]) / "api" / "openapi-spec" / "swagger.json"
        for name, schema in standalone_schemas(json.loads(document.read_text())["definitions"]).items():
            (home / name).write_text(json.dumps(schema))
        (home / ".complete").touch()
    for definition in [*definitions(), *gatewayapi.definitions()]:
        names, group = definition["spec"]["names"], definition["spec"]["group"].split(".")[0]
        for version_ in definition["spec"]["versions"]:
            schema = strict(version_["schema"]["openAPIV3Schema"])
            schema.setdefault("properties", {}).update({"apiVersion": {}, "kind": {}, "metadata": {}})
            file = home / f"{names['kind'].lower()}-{group}-{version_['name']}.json"
            partial = file.with_suffix(".partial")
            partial.write_text(json.dumps(schema))
            partial.replace(file)


def standalone_schemas(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """File name -> schema of each kind, complete in itself."""
    prepared = {name: strict(schema) for name, schema in found.items()}
    quantity = {"type": ["string", "number"]}
    prepared["io.k8s.apimachinery.pkg.api.resource.Quantity"] = quantity
    prepared["io.k8s.apimachinery.pkg.util.intstr.IntOrString"] = {"type": ["string", "integer"]}
    out = {}
    for name, schema in found.items():
        for kind in schema.get("x-kubernetes-group-version-kind", []):
            group = kind["group"].split(".")[0]
            suffix = f"-{group}-{kind['version']}" if group else f"-{kind['version']}"
            needed = _reachable(name, prepared)
            out[f"{kind['kind'].lower()}{suffix}.json"] = {"$ref": f"#/definitions/{name}", "definitions": needed}
    return out


def strict(schema: Any) -> Any:
    """The same schema, closed: a field that is not declared is an error."""
    if isinstance(schema, list):
        return [strict(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: value for key, value in schema.items() if key not in ("description", "nullable", "format", "default")}
    if "properties" in out:
        out["properties"] = {key: strict(value) for key, value in out["properties"].items()}
        out.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if key in out:
            out[key] = strict(out[key])
    if schema.get("nullable") is True:
        out["type"] = [out["type"], "null"]
    return out


def _reachable(name: str, found: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    open_ = [name]
    while open_:
        at = open_.pop()
        if at not in out:
            out[at] = found[at]
            open_ += re.findall(r'"#/definitions/([^"]+)"', json.dumps(found[at]))
    return out


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)`: as tests/golden/helm/<name>.yaml has it; `pytest tests/manifests/render tests/helm
    --update-golden` writes it."""

    def check(name: str, text: str) -> None:
        file = ROOT / "tests" / "golden" / "helm" / f"{name}.yaml"
        if request.config.getoption("--update-golden", default=False):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        assert file.exists(), f"no golden file {file.name}; make it with --update-golden and read it"
        assert text == file.read_text(), "differs from the golden file; --update-golden writes it anew"

    return check


@pytest.fixture(scope="session")
def objects(template: Callable[..., str]) -> Callable[..., dict[tuple[str, str], Any]]:
    """`objects("minimal", ...)`: the rendered chart by kind and name."""

    def rendered(values: str, *more: str) -> dict[tuple[str, str], Any]:
        found = [o for o in yaml.safe_load_all(template(values, *more)) if o]
        return {(o["kind"], o["metadata"].get("namespace", "") + "/" + o["metadata"]["name"]): o for o in found}

    return rendered
