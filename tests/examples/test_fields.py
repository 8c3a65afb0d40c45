"""Every field an SDL file can have stands in some example, and every word a field can take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.yaml"))

# * stands for a name of one's own, # for a place in a list (sdl-manifest.md §3 to §6)
FIELDS = [
    "version",
    "include.#",
    "services.*.image",
    "services.*.command.#",
    "services.*.args.#",
    "services.*.env.#",
    "services.*.dependencies.#.service",
    "services.*.expose.#.port",
    "services.*.expose.#.as",
    "services.*.expose.#.proto",
    "services.*.expose.#.accept.#",
    "services.*.expose.#.to.#.service",
    "services.*.expose.#.to.#.global",
    "services.*.expose.#.to.#.ip",
    "services.*.expose.#.http_options.max_body_size",
    "services.*.expose.#.http_options.read_timeout",
    "services.*.expose.#.http_options.send_timeout",
    "services.*.expose.#.http_options.next_tries",
    "services.*.expose.#.http_options.next_timeout",
    "services.*.expose.#.http_options.next_cases.#",
    "services.*.expose.#.http_options.proxy_buffer_size",
    "services.*.params.storage.*.mount",
    "services.*.params.storage.*.readOnly",
    "services.*.params.permissions.read.#",
    "services.*.params.tee",
    "services.*.credentials.host",
    "services.*.credentials.email",
    "services.*.credentials.username",
    "services.*.credentials.password",
    "profiles.compute.*.resources.cpu.units",
    "profiles.compute.*.resources.cpu.attributes.arch",
    "profiles.compute.*.resources.memory.size",
    "profiles.compute.*.resources.storage.size",
    "profiles.compute.*.resources.storage.#.name",
    "profiles.compute.*.resources.storage.#.size",
    "profiles.compute.*.resources.storage.#.attributes.persistent",
    "profiles.compute.*.resources.storage.#.attributes.class",
    "profiles.compute.*.resources.gpu.units",
    "profiles.compute.*.resources.gpu.attributes.vendor.nvidia",
    "profiles.compute.*.resources.gpu.attributes.vendor.nvidia.#.model",
    "profiles.compute.*.resources.gpu.attributes.vendor.nvidia.#.ram",
    "profiles.compute.*.resources.gpu.attributes.vendor.nvidia.#.interface",
    "profiles.placement.*.attributes.*",
    "profiles.placement.*.signedBy.allOf.#",
    "profiles.placement.*.signedBy.anyOf.#",
    "profiles.placement.*.pricing.*.denom",
    "profiles.placement.*.pricing.*.amount",
    "deployment.*.*.profile",
    "deployment.*.*.count",
    "endpoints.*.kind",
    "reclamation.min_window",
]
WORDS = {
    "version": ["2.0", "2.1"],
    "proto": ["tcp", "udp"],
    "next_cases.#": ["error", "timeout", "500", "502", "503", "504", "403", "404", "429", "off"],
    "read.#": ["deployment", "logs", "events"],
    "tee": ["cpu", "cpu-gpu"],
    "class": ["default", "beta2", "ram"],  # beta1 and beta3 are other disks, said in the same way
    "interface": ["pcie", "sxm"],
}


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, (*path, "#"))
    else:
        yield path, value


FOUND = [leaf for path in EXAMPLES for leaf in leaves(yaml.load(path.read_text(), Loader=yaml.BaseLoader))]


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_stands_in_an_example(field: str) -> None:
    wanted = field.split(".")
    assert any(
        len(wanted) == len(path) and all(w in ("*", p) for w, p in zip(wanted, path, strict=True)) for path, _ in FOUND
    )


@pytest.mark.parametrize(("field", "word"), [(field, word) for field, words in WORDS.items() for word in words])
def test_a_word_stands_in_an_example(field: str, word: str) -> None:
    wanted = tuple(field.split("."))
    assert any(path[-len(wanted) :] == wanted and value == word for path, value in FOUND)


def test_no_example_has_a_field_that_is_not_listed() -> None:
    unlisted = {
        ".".join(path)
        for path, _ in FOUND
        if not any(
            len(field.split(".")) == len(path)
            and all(w in ("*", p) for w, p in zip(field.split("."), path, strict=True))
            for field in FIELDS
        )
    }
    assert not unlisted
