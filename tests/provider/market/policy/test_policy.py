"""The policy in force: a file, the lists it names, a switch; what is wrong, gone or down never replaces what works."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bidengine.policy import Policy
from manifests.bech32 import encode
from provider.errors import ConfigError
from provider.market.policy.policy import Policies
from provider.metrics import Metrics
from provider.tasks import spawn

ANN, BOB, EVE = (encode("akash", bytes([n]) * 20) for n in (1, 2, 3))
NEW_YEAR = 1_798_761_600


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """A file in the operator's directory, with a stamp of its own each time."""
    stamps = iter(range(1, 100))

    def put(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        stamp = next(stamps)
        os.utime(path, ns=(stamp, stamp))
        return path

    return put


def denied(policies: Policies) -> list[str]:
    return sorted(policies.current.denied)


def test_without_a_file_everybody_is_served(tmp_path: Path) -> None:
    policies = Policies(None, tmp_path)
    assert policies.current == Policy()
    policies.look(1)
    assert not policies.look(2)


def test_entries_and_files_are_one_list_and_names_are_relative_to_the_policy(tmp_path: Path, write: Any) -> None:
    write("deny.txt", f"{BOB} 2027-01-01\n")
    path = write("policy.yaml", f"owners: {{deny: {{entries: [{{owner: {ANN}}}], files: [deny.txt]}}}}")
    policies = Policies(path, tmp_path)
    assert denied(policies) == sorted([ANN, BOB])
    assert policies.current.denied[BOB].source == str(tmp_path / "deny.txt")
    assert policies.current.allowed is None
    policies.look(1)
    write("deny.txt", f"{EVE}\n")
    assert policies.look(2)
    assert denied(policies) == sorted([ANN, EVE])


def test_the_end_of_an_entry_is_news(tmp_path: Path, write: Any) -> None:
    path = write("policy.yaml", f"owners: {{allow: {{entries: [{{owner: {ANN}, until: 2027-01-01}}]}}}}")
    policies = Policies(path, tmp_path)
    policies.look(NEW_YEAR - 10)
    assert [policies.look(NEW_YEAR + n) for n in (-1, 0, 1)] == [False, True, False]
    assert policies.current.allowed is not None, "and nobody else is served because of it"


@pytest.mark.parametrize(
    "text",
    ["", "owners: [", "ownerss: {}", "mostPerOwner: 0", "owners: {deny: {files: [none.txt]}}", None],
    ids=["empty", "no yaml", "unknown key", "out of range", "names a list that is not there", "gone"],
)
def test_d16_a_policy_that_is_lost_or_wrong_leaves_the_old_one(tmp_path: Path, write: Any, text: str | None) -> None:
    path = write("policy.yaml", f"owners: {{deny: {{entries: [{{owner: {ANN}}}]}}}}")
    policies = Policies(path, tmp_path)
    policies.look(1)
    if text is None:
        path.unlink()
    else:
        write("policy.yaml", text)
    with capture_logs() as logs:
        assert [policies.look(2), policies.look(3)] == [False, False]
    assert [entry["log_level"] for entry in logs] == ["error"], "said once"
    assert denied(policies) == [ANN]
    write("policy.yaml", "{}")
    assert policies.look(4)
    assert denied(policies) == []


def test_d16_a_list_file_that_is_lost_or_wrong_leaves_the_old_one(tmp_path: Path, write: Any) -> None:
    listed = write("deny.txt", f"{BOB}\n")
    policies = Policies(write("policy.yaml", "owners: {deny: {files: [deny.txt]}}"), tmp_path)
    policies.look(1)
    for text in ("everybody\n", ""):
        write("deny.txt", text)
        assert not policies.look(2)
    listed.unlink()
    assert not policies.look(3)
    assert denied(policies) == [BOB]


def test_a_list_that_comes_later_completes_a_policy_that_was_refused(tmp_path: Path, write: Any) -> None:
    path = write("policy.yaml", "{}")
    policies = Policies(path, tmp_path)
    write("policy.yaml", "owners: {deny: {files: [late.txt]}}")
    policies.look(1)
    write("late.txt", f"{EVE}\n")
    assert policies.look(2), "although the policy file itself has not changed since"
    assert denied(policies) == [EVE]


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (None, "policy.yaml: the policy file cannot be read: No such file or directory. Set bid.policy"),
        ("", "policy.yaml: the policy file is empty"),
        ("mostPerOwner: many", "policy.yaml:1:1: mostPerOwner: "),
        ("owners: {deny: {files: [none.txt]}}", "none.txt: the list of tenants cannot be read"),
        ("owners: {deny: {files: [bad.txt]}}", "bad.txt: line 1: 'everybody' is not a bech32 address"),
    ],
)
def test_d16_with_a_bad_policy_the_daemon_does_not_start(
    tmp_path: Path, write: Any, policy: str | None, told: str
) -> None:
    write("bad.txt", "everybody\n")
    path = write("policy.yaml", policy) if policy is not None else tmp_path / "policy.yaml"
    with pytest.raises(ConfigError) as bad:
        Policies(path, tmp_path)
    assert told in str(bad.value)


def test_the_switch_is_looked_at_too(tmp_path: Path) -> None:
    policies = Policies(None, tmp_path)
    policies.look(1)
    policies.maintenance.turn(True, "moving house")
    assert policies.look(2)
    assert (policies.maintenance.on, policies.maintenance.why) == (True, "moving house")


@asynccontextmanager
async def fetching(policies: Policies) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = spawn(tasks, "policy", policies.run())
        yield
        task.cancel()


@pytest.fixture
def news(until: Any) -> Callable[[Policies], Any]:
    """Wait until a look finds something new."""

    async def wait(policies: Policies) -> None:
        async def looked() -> bool:
            return policies.look(1)

        await until("something new", looked)

    return wait


def with_url(url: str, *, required: bool = False, side: str = "deny") -> str:
    return f"owners: {{{side}: {{urls: [{{url: '{url}', required: {str(required).lower()}}}]}}}}"


async def test_a_list_from_elsewhere_is_fetched_and_outlives_a_restart(
    tmp_path: Path, write: Any, list_server: Any, news: Any, until: Any
) -> None:
    list_server.text = f"{ANN}\n"
    path = write("policy.yaml", with_url(list_server.url, required=True))
    policies = Policies(path, tmp_path)
    policies.look(1)
    assert policies.current.unknown == (list_server.url,), "required, and not there yet"
    async with fetching(policies):
        await news(policies)
    assert (denied(policies), policies.current.unknown) == ([ANN], ())
    list_server.status = 503
    after = Policies(path, tmp_path)
    assert (denied(after), after.current.unknown) == ([ANN], ())
    after.look(1)

    async def asked_again() -> bool:
        return len(list_server.asked) == 2

    async with fetching(after):
        await until("the server is asked again", asked_again)
    assert not after.look(1)
    assert denied(after) == [ANN]


@pytest.mark.parametrize("required", [False, True])
async def test_a_list_that_was_never_had_is_said_and_blocks_if_the_operator_says_so(
    tmp_path: Path, write: Any, list_server: Any, until: Any, required: bool
) -> None:
    list_server.status = 500
    policies = Policies(write("policy.yaml", with_url(list_server.url, required=required)), tmp_path)
    metrics = Metrics()
    metrics.watch(policies.gauges)
    with capture_logs() as logs:

        async def said() -> bool:
            return bool(logs)

        async with fetching(policies):
            await until("it is said", said)
    (told,) = logs
    assert (told["event"], told["log_level"]) == ("a list of tenants has never been loaded", "error")
    assert "500" in told["why"]
    assert told["bidding"] == ("stopped: it is required" if required else "goes on without it")
    assert bool(policies.current.unknown) is required
    text = metrics.text().decode()
    assert f'akp_policy_list_loaded{{list="{list_server.url}"}} 0.0' in text
    assert "akp_policy_list_age_seconds{" not in text


async def test_an_allow_list_that_was_never_had_serves_nobody(
    tmp_path: Path, write: Any, list_server: Any, news: Any
) -> None:
    policies = Policies(write("policy.yaml", with_url(list_server.url, side="allow")), tmp_path)
    assert policies.current.allowed == {}
    policies.look(1)
    list_server.text = f"{ANN}\n"
    async with fetching(policies):
        await news(policies)
    assert [*(policies.current.allowed or ())] == [ANN]


async def test_a_url_added_to_the_policy_is_fetched_without_a_restart(
    tmp_path: Path, write: Any, list_server: Any, news: Any
) -> None:
    list_server.text = f"{EVE}\n"
    policies = Policies(write("policy.yaml", "{}"), tmp_path)
    policies.look(1)
    async with fetching(policies):
        await asyncio.sleep(0)
        write("policy.yaml", with_url(list_server.url))
        assert policies.look(1)
        await news(policies)
    assert denied(policies) == [EVE]
    metrics = Metrics()
    metrics.watch(policies.gauges)
    text = metrics.text().decode()
    assert f'akp_policy_list_loaded{{list="{list_server.url}"}} 1.0' in text
    assert f'akp_policy_list_age_seconds{{list="{list_server.url}"}}' in text
    assert 'akp_owners_listed{list="deny"} 1.0' in text
    assert "akp_maintenance 0.0" in text


async def test_urls_taken_out_of_the_policy_while_they_are_fetched_do_no_harm(
    tmp_path: Path, write: Any, list_server: Any, until: Any
) -> None:
    list_server.text, list_server.slow = f"{EVE}\n", asyncio.Event()
    both = f"owners: {{deny: {{urls: [{{url: '{list_server.url}'}}, {{url: '{list_server.url}?again'}}]}}}}"
    policies = Policies(write("policy.yaml", both), tmp_path)
    policies.look(1)

    async def asked() -> bool:
        return len(list_server.asked) == 1

    async def both_asked() -> bool:
        return len(list_server.asked) == 2 and policies._fetched

    async with fetching(policies):
        await until("the first is being fetched", asked)
        write("policy.yaml", "{}")
        assert policies.look(2)
        list_server.slow.set()
        await until("the second has been asked for too", both_asked)
        policies.look(3)
        assert denied(policies) == []
