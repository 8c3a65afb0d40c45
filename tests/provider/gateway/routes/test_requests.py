"""What a handler takes from a request: numbers as Go reads them, ids that are the caller's, services they may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from manifests.ids import LeaseID
from provider.gateway.authorize import Unauthorized
from provider.gateway.claims import NOBODY, Access, Claims, DeploymentGrant, Permission, Scope
from provider.gateway.desk import Answer
from provider.gateway.routes.requests import CLAIMS, DESK, deployment_of, desk_of, lease_of

US, TENANT = "akash1us", "akash1tenant"
FULL = Claims(TENANT, Access.FULL)
MAX_64, MAX_32 = 2**64 - 1, 2**32 - 1


@dataclass
class OurDesk:
    """All that ids are built from."""

    provider: str = US


@pytest.fixture
async def ask() -> Callable[..., web.Request]:
    """`ask(claims, dseq="7", …)`: a request of that caller whose path had these parts."""
    app = web.Application()
    app[DESK] = OurDesk()  # type: ignore[misc]

    def make(claims: Claims, **path: str) -> web.Request:
        request = make_mocked_request("GET", "/", app=app, match_info=path)
        request[CLAIMS] = claims
        return request

    return make


def granted(*scopes: Scope, dseq: int = 7, gseq: int = 0, oseq: int = 0, provider: str = US) -> Claims:
    """A token for the services web and db of one deployment, or of one group or order of it."""
    grant = DeploymentGrant(dseq, frozenset(scopes), frozenset({"web", "db"}), gseq, oseq)
    return Claims(TENANT, Access.GRANULAR, permissions=(Permission(provider, Access.GRANULAR, deployments=(grant,)),))


async def test_the_desk_is_the_applications(ask: Any) -> None:
    assert desk_of(ask(FULL)).provider == US


NUMBERS: dict[str, tuple[str, int | str, int | str]] = {
    # text -> the number or what is wrong with it, as dseq (64 bits) and as gseq or oseq (32 bits)
    "zero": ("0", 0, 0),
    "seven": ("7", 7, 7),
    "zeros in front": ("007", 7, 7),
    "many zeros in front": ("0" * 30 + "7", 7, 7),
    "nothing but zeros": ("0" * 30, 0, 0),
    "32 bits": (f"{MAX_32}", MAX_32, MAX_32),
    "33 bits": (f"{MAX_32 + 1}", MAX_32 + 1, "value out of range"),
    "64 bits": (f"{MAX_64}", MAX_64, "value out of range"),
    "65 bits": (f"{MAX_64 + 1}", "value out of range", "value out of range"),
    "more digits than anybody converts": ("9" * 5_000, "value out of range", "value out of range"),
    "nothing": ("", "invalid syntax", "invalid syntax"),
    "a letter": ("x", "invalid syntax", "invalid syntax"),
    "a sign": ("-1", "invalid syntax", "invalid syntax"),
    "the other sign": ("+7", "invalid syntax", "invalid syntax"),
    "a fraction": ("7.0", "invalid syntax", "invalid syntax"),
    "a space": (" 7", "invalid syntax", "invalid syntax"),
    "an underscore": ("7_0", "invalid syntax", "invalid syntax"),
    "another base": ("0x7", "invalid syntax", "invalid syntax"),
    "digits of another script": ("٧", "invalid syntax", "invalid syntax"),
    "a raised digit": ("²", "invalid syntax", "invalid syntax"),
}


@pytest.mark.parametrize("part", ["dseq", "gseq", "oseq"])
@pytest.mark.parametrize(("text", "as_64", "as_32"), NUMBERS.values(), ids=NUMBERS)
async def test_numbers(ask: Any, part: str, text: str, as_64: int | str, as_32: int | str) -> None:
    wanted = as_64 if part == "dseq" else as_32
    request = ask(FULL, **{"dseq": "1", "gseq": "2", "oseq": "3", part: text})
    if isinstance(wanted, int):
        lease, _ = lease_of(request, Scope.STATUS)
        assert lease == LeaseID(TENANT, **{"dseq": 1, "gseq": 2, "oseq": 3, part: wanted}, provider=US)
        return
    with pytest.raises(Answer) as no:
        lease_of(request, Scope.STATUS)
    assert (no.value.status, no.value.text) == (400, f'strconv.ParseUint: parsing "{text}": {wanted}')


@pytest.mark.parametrize(
    ("text", "quoted"), [("7\n", r'"7\n"'), ('7"', r'"7\""'), ("7\\", r'"7\\"'), ("7\r\nSet-Cookie: x", None)]
)
async def test_what_a_stranger_wrote_is_quoted_and_stays_on_its_line(ask: Any, text: str, quoted: str | None) -> None:
    with pytest.raises(Answer) as no:
        deployment_of(ask(FULL, dseq=text), Scope.STATUS)
    assert "\n" not in no.value.text
    assert "\r" not in no.value.text
    if quoted is not None:
        assert no.value.text == f"strconv.ParseUint: parsing {quoted}: invalid syntax"


async def test_a_deployments_number_has_64_bits_wherever_it_stands(ask: Any) -> None:
    assert deployment_of(ask(FULL, dseq=f"{MAX_64}"), Scope.STATUS) == (TENANT, MAX_64)
    with pytest.raises(Answer, match="value out of range"):
        deployment_of(ask(FULL, dseq=f"{MAX_64 + 1}"), Scope.STATUS)


async def test_a_deployment_is_the_callers_own(ask: Any) -> None:
    assert deployment_of(ask(FULL, dseq="7"), Scope.SEND_MANIFEST) == (TENANT, 7)
    other = Claims("akash1other", Access.FULL)
    assert deployment_of(ask(other, dseq="7"), Scope.SEND_MANIFEST) == ("akash1other", 7)


CALLERS: dict[str, tuple[Claims, frozenset[str] | bool | None, bool]] = {
    # -> the services of lease 7/1/1 they may see (None: all, False: may not), whether they may name deployment 7
    "nobody": (NOBODY, False, False),
    "the owner": (FULL, None, True),
    "a token for logs": (Claims(TENANT, Access.SCOPED, frozenset({Scope.LOGS})), None, True),
    "a token for the shell": (Claims(TENANT, Access.SCOPED, frozenset({Scope.SHELL})), False, False),
    "a token for two services": (granted(Scope.LOGS), frozenset({"web", "db"}), True),
    "... with another scope": (granted(Scope.SHELL), False, False),
    "... of another deployment": (granted(Scope.LOGS, dseq=8), False, False),
    "... of this group": (granted(Scope.LOGS, gseq=1), frozenset({"web", "db"}), True),
    "... of another group": (granted(Scope.LOGS, gseq=2), False, True),
    "... of another order": (granted(Scope.LOGS, gseq=1, oseq=2), False, True),
    "... at another provider": (granted(Scope.LOGS, provider="akash1them"), False, False),
}


@pytest.mark.parametrize(("claims", "services", "deployment"), CALLERS.values(), ids=CALLERS)
async def test_who_may_name_what(ask: Any, claims: Claims, services: Any, deployment: bool) -> None:
    request = ask(claims, dseq="7", gseq="1", oseq="1")
    if services is False:
        with pytest.raises(Unauthorized):
            lease_of(request, Scope.LOGS)
    else:
        assert lease_of(request, Scope.LOGS) == (LeaseID(TENANT, 7, 1, 1, US), services)
    if deployment:
        assert deployment_of(request, Scope.LOGS) == (TENANT, 7)
    else:
        with pytest.raises(Unauthorized):
            deployment_of(request, Scope.LOGS)
