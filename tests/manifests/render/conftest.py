"""Manifests to render: `build` makes them part by part with quiet defaults, `groups` draws any."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import strategies as st

from manifests.ids import LeaseID
from manifests.manifest import (
    Credentials,
    Expose,
    HttpOptions,
    ManifestGroup,
    Params,
    Permissions,
    Service,
    StorageParams,
    Tee,
)
from manifests.render.site import Site
from manifests.resources import (
    Attribute,
    Cpu,
    Endpoint,
    EndpointKind,
    Gpu,
    Memory,
    Resources,
    Storage,
)
from manifests.wire import parse_manifest

DEFAULT_HTTP = HttpOptions()
GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "render"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write golden files anew instead of comparing with them"
    )


class Build:
    """Parts of a manifest; what is not given is the smallest that works."""

    def volume(self, name: str, size: int = 1 << 30, **attributes: str) -> Storage:
        named = {key.rstrip("_"): value for key, value in attributes.items()}
        return Storage(name, size, tuple(Attribute(k, v) for k, v in sorted(named.items())))

    def persistent(self, name: str, class_: str = "beta3", size: int = 1 << 30) -> Storage:
        return self.volume(name, size, class_=class_, persistent="true")

    def ram(self, name: str, size: int = 1 << 30) -> Storage:
        return self.volume(name, size, class_="ram", persistent="false")

    def resources(
        self,
        *volumes: Storage,
        cpu_milli: int = 500,
        memory_bytes: int = 512 << 20,
        gpu: int = 0,
        wish: str = "",
    ) -> Resources:
        wishes = (Attribute(wish, "true"),) if wish else ()
        disk = volumes or (self.volume("default"),)
        return Resources(1, Cpu(cpu_milli), Memory(memory_bytes), disk, Gpu(gpu, wishes))

    def expose(
        self,
        port: int = 80,
        as_: int = 0,
        proto: str = "TCP",
        *,
        to: str = "",
        global_: bool | None = None,
        hosts: tuple[str, ...] | None = None,
        ip: str = "",
        http: HttpOptions = DEFAULT_HTTP,
    ) -> Expose:
        public = (not to) if global_ is None else global_
        return Expose(port, as_, proto, to, public, hosts, http, ip, 1 if ip else 0)

    def service(self, name: str = "web", *expose: Expose, **more: Any) -> Service:
        parts: dict[str, Any] = {
            "image": "nginx:1.27",
            "command": None,
            "args": None,
            "env": None,
            "resources": self.resources(),
            "count": 1,
        }
        return Service(name=name, expose=expose, **(parts | more))

    def mounts(self, *mounts: tuple[str, str], read_only: bool = False) -> Params:
        return Params(tuple(StorageParams(name, path, read_only) for name, path in mounts))

    def group(self, *services: Service) -> ManifestGroup:
        return ManifestGroup("west", services)


@pytest.fixture(scope="session")
def build() -> Build:
    return Build()


@pytest.fixture(scope="session")
def lease() -> LeaseID:
    return LeaseID("akash1owner", 1234, 1, 1, "akash1provider")


@pytest.fixture(scope="session")
def site() -> Site:
    return Site(
        ingress_domain="ingress.example.net",
        static_hosts=True,
        public_hostname="provider.example.net",
        api_servers=(("10.1.2.3", 6443),),
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, list[dict[str, Any]]], None]:
    """`golden(name, objects)`: the objects are, as YAML, what tests/golden/render/<name>.yaml says."""

    def check(name: str, objects: list[dict[str, Any]]) -> None:
        text = yaml.safe_dump_all(json.loads(json.dumps(objects)), sort_keys=False, width=120, explicit_start=True)
        file = GOLDEN / f"{name}.yaml"
        if request.config.getoption("--update-golden", default=False):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        assert file.exists(), f"no golden file {file.name}; make it with --update-golden and read it"
        assert text == file.read_text(), (
            "differs from the golden file; --update-golden writes it anew, git diff shows it"
        )

    return check


class Recorded:
    """One case of what the reference created: its manifest, its lease, its objects."""

    def __init__(self, home: Path) -> None:
        self.name = home.name
        self.group = parse_manifest((home / "manifest.json").read_bytes())[0]
        ids = json.loads((home / "lease.json").read_text())["ids"][0]
        self.lease = LeaseID(ids["owner"], ids["dseq"], ids["gseq"], ids["oseq"], ids["provider"])
        self.status = json.loads((home / "lease-status.json").read_text())
        self.objects = {(o["kind"], o["metadata"]["name"]): o for o in json.loads((home / "objects.json").read_text())}

    def only(self, kind: str) -> dict[str, Any]:
        (found,) = [o for (k, _), o in self.objects.items() if k == kind]
        return found


@pytest.fixture(scope="session")
def recorded(shared: Path) -> Callable[[str], Recorded]:
    home = shared / "conformance" / "objects"
    if not home.is_dir():
        pytest.skip("the recorded objects (../shared/conformance/objects) are not beside this checkout")
    return lambda name: Recorded(home / name)


_names = st.from_regex(r"[a-z]([-a-z0-9]{0,48}[a-z0-9])?", fullmatch=True)
_texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
_hosts = st.from_regex(r"[a-z][a-z0-9]{0,12}(\.[a-z]{2,5}){1,2}", fullmatch=True)
_attributes = st.lists(st.builds(Attribute, _texts, _texts), max_size=2).map(tuple)
_uint = st.integers(0, (1 << 32) - 1)


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.lists(strategy, max_size=3).map(tuple)


@st.composite
def _volumes(draw: st.DrawFn) -> tuple[Storage, ...]:
    names = draw(st.lists(st.from_regex(r"[A-Za-z0-9_.-]{1,40}", fullmatch=True), min_size=1, max_size=4, unique=True))
    kinds = [
        (),
        (Attribute("class", "beta2"), Attribute("persistent", "true")),
        (Attribute("class", "default"), Attribute("persistent", "true")),
        (Attribute("class", "ram"), Attribute("persistent", "false")),
    ]
    return tuple(Storage(n, draw(st.integers(5 << 20, 32 << 40)), draw(st.sampled_from(kinds))) for n in names)


@st.composite
def _services(draw: st.DrawFn, name: str) -> Service:
    volumes = draw(_volumes())
    paths = draw(
        st.lists(
            st.from_regex(r"/data[a-z0-9._-]{0,9}(/[a-z0-9_-]{0,9})?", fullmatch=True),
            max_size=len(volumes),
            unique=True,
        )
    )
    mounts = tuple(StorageParams(v.name, p, draw(st.booleans())) for v, p in zip(volumes, paths, strict=False))
    cases = st.lists(_texts | st.sampled_from(["", "off", "502", "error"]), max_size=4).map(tuple)
    http = st.builds(HttpOptions, _uint, _uint, _uint, _uint, _uint, cases, _uint)
    expose = st.builds(
        Expose,
        port=st.integers(1, 65535),
        external_port=st.sampled_from([0, 80, 53]) | st.integers(0, 65535),
        proto=st.sampled_from(["TCP", "UDP"]),
        service=st.just(""),
        global_=st.booleans(),
        hosts=_maybe(_hosts),
        http_options=http,
        ip=st.sampled_from(["", "", f"ip-of-{name}"]),
        endpoint_sequence_number=st.integers(0, 9),
    )
    permissions = st.none() | st.builds(Permissions, _maybe(st.sampled_from(["logs", "events", "deployment"])))
    params = st.builds(
        Params,
        st.just(mounts) if mounts else st.sampled_from([None, ()]),
        permissions,
        st.none() | st.builds(Tee, st.sampled_from(["cpu", "cpu-gpu"]), st.booleans()),
    )
    endpoints = st.lists(st.builds(Endpoint, st.sampled_from(EndpointKind), st.integers(0, 9)), max_size=3).map(tuple)
    variables = st.builds(
        lambda key, value: key if value is None else f"{key}={value}",
        st.from_regex(r"[A-Z_]{1,6}", fullmatch=True),
        st.none() | _texts,
    )
    return Service(
        name=name,
        image=draw(st.just("nginx:1.27")),
        command=draw(_maybe(_texts)),
        args=draw(_maybe(_texts)),
        env=draw(_maybe(variables)),
        resources=Resources(
            draw(st.integers(1, 9)),
            Cpu(draw(st.integers(10, 384_000)), draw(_attributes)),
            Memory(draw(st.integers(1 << 20, 2 << 40)), draw(_attributes)),
            volumes,
            Gpu(0, draw(_attributes)),
            draw(endpoints),
        ),
        count=draw(st.integers(1, 50)),
        expose=tuple(draw(st.lists(expose, max_size=5))),
        params=draw(st.none() | params) if not mounts else draw(params),
        credentials=draw(st.none() | st.builds(Credentials, _texts, _texts, _texts, _texts)),
    )


@st.composite
def _groups(draw: st.DrawFn) -> ManifestGroup:
    names = sorted(draw(st.lists(_names, min_size=1, max_size=3, unique=True)))
    return ManifestGroup(draw(_texts), tuple(draw(_services(name)) for name in names))


@pytest.fixture(scope="session")
def groups() -> st.SearchStrategy[ManifestGroup]:
    return _groups()
