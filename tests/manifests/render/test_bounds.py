from __future__ import annotations

from dataclasses import replace

import pytest

from manifests.errors import ManifestInvalid
from manifests.manifest import Credentials, Expose, HttpOptions
from manifests.render import bounds
from manifests.render.bounds import check_bounds

EXPOSE = Expose(80, 80, "TCP", "", True, None, HttpOptions(), "", 0)


def services(build, count, **more):
    return build.group(*(build.service(f"s{n}", **more) for n in range(count)))


def test_as_many_as_allowed_and_not_one_more(build):
    check_bounds(services(build, bounds.MOST_SERVICES), "")
    with pytest.raises(ManifestInvalid, match=r"250 services here; this one has 251") as no:
        check_bounds(services(build, bounds.MOST_SERVICES + 1), "[0].")
    assert no.value.path == "[0].services"


def test_exposes_and_host_names_are_counted_per_service(build):
    many = [build.expose(n + 1, to="db") for n in range(bounds.MOST_EXPOSES + 1)]
    check_bounds(build.group(build.service("web", *many[1:])), "")
    with pytest.raises(ManifestInvalid, match="exposes"):
        check_bounds(build.group(build.service("web", *many)), "")
    hosts = tuple(f"h{n}.example.com" for n in range(bounds.MOST_HOSTS + 1))
    check_bounds(build.group(build.service("web", build.expose(80, hosts=hosts[1:]))), "")
    with pytest.raises(ManifestInvalid, match="host names"):
        check_bounds(build.group(build.service("web", build.expose(80, hosts=hosts))), "")


def test_exposes_and_host_names_are_counted_together_too(build):
    def group(services, exposes, hosts):
        names = iter(f"h{n}.example.com" for n in range(services * hosts))
        inside = [build.expose(n + 1, to="db") for n in range(exposes)]
        return build.group(*(
            build.service(f"s{n}", *inside, build.expose(80, hosts=tuple(next(names) for _ in range(hosts))))
            for n in range(services)
        ))  # fmt: skip

    check_bounds(group(5, 199, 100), "")
    with pytest.raises(ManifestInvalid, match="1000 exposes in all here; these have 1005") as no:
        check_bounds(group(5, 200, 100), "[0].")
    assert no.value.path == "[0].services"
    with pytest.raises(ManifestInvalid, match="500 host names in all here; these have 600"):
        check_bounds(group(6, 1, 100), "")


@pytest.mark.parametrize(
    "part",
    [
        {"env": ("A=" + "x" * bounds.MOST_TEXT_BYTES,)},
        {"args": ("ä" * (bounds.MOST_TEXT_BYTES // 2),)},
        {"command": ("x" * (bounds.MOST_TEXT_BYTES // 2), "y" * (bounds.MOST_TEXT_BYTES // 2))},
        {"image": "x" * (bounds.MOST_TEXT_BYTES + 1)},
        {"expose": (replace(EXPOSE, http_options=HttpOptions(next_cases=("x" * bounds.MOST_TEXT_BYTES,))),)},
        {"expose": (replace(EXPOSE, hosts=("x" * bounds.MOST_TEXT_BYTES,)),)},
        {"credentials": Credentials("h", "e", "u", "x" * bounds.MOST_TEXT_BYTES)},
    ],
    ids=lambda part: next(iter(part)),
)
def test_texts_are_counted_in_bytes_and_together(build, part):
    web = build.service("web")
    check_bounds(build.group(web), "")
    with pytest.raises(ManifestInvalid, match="bytes"):
        check_bounds(build.group(replace(web, **part)), "")
