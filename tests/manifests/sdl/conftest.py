"""A small valid SDL file whose parts can be replaced one at a time."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from manifests.errors import SdlInvalid
from manifests.sdl import Compiled, compile_sdl

Write = Callable[..., str]

_TEMPLATE = """\
version: "{version}"
services:
  app:
    image: docker.io/library/app:1
    expose:
      - port: 3000
        as: 80
        to:
          - global: true
{expose}{service}profiles:
  compute:
    small:
      resources:
        cpu:
          units: {cpu}
        memory:
          size: {memory}
        storage:
{storage}{gpu}  placement:
    here:
{placement}      pricing:
        small:
          denom: {denom}
          amount: {amount}
deployment:
  app:
    here:
      profile: small
      count: {count}
{top}"""
_INDENT = {"expose": 8, "service": 4, "storage": 10, "gpu": 8, "placement": 6, "top": 0}
_DEFAULT = {
    "version": "2.0",
    "cpu": "0.25",
    "memory": "128Mi",
    "storage": "size: 256Mi",
    "denom": "uact",
    "amount": "100",
    "count": "1",
}


def write_sdl(**parts: str) -> str:
    """`expose` continues the one expose; it, `service`, `storage`, `gpu`, `placement` and
    `top` are blocks, the others single values."""
    filled = dict.fromkeys(_INDENT, "") | _DEFAULT | parts
    for name, indent in _INDENT.items():
        body = textwrap.dedent(filled[name]).strip("\n")
        filled[name] = textwrap.indent(body, " " * indent) + "\n" if body else ""
    return _TEMPLATE.format(**filled)


@pytest.fixture(scope="session")
def sdl() -> Write:
    return write_sdl


@pytest.fixture(scope="session")
def compiled() -> Callable[..., Compiled]:
    return lambda **parts: compile_sdl(write_sdl(**parts))


@pytest.fixture(scope="session")
def refused() -> Callable[..., SdlInvalid]:
    def refuse(**parts: str) -> SdlInvalid:
        with pytest.raises(SdlInvalid) as caught:
            compile_sdl(write_sdl(**parts))
        return caught.value

    return refuse
