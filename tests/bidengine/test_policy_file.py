from __future__ import annotations

import re
from pathlib import Path

import pytest

from bidengine import policy_file
from bidengine.owners import Entry, parse_owners
from bidengine.policy import Amount, Policy, Range
from bidengine.policy_file import ListUrl, PolicyFile, Sources, parse_policy
from manifests.bech32 import encode
from manifests.errors import Invalid
from manifests.images import ImagePolicy
from manifests.resources import Attribute

ANN = encode("akash", b"\1" * 20)
GIB = 1 << 30
GOOD = (policy_file.__doc__ or "").partition("\n\n")[2].rpartition("\n\n")[0]
GOOD = re.sub("^    ", "", GOOD, flags=re.MULTILINE)


def test_the_example_in_the_module_says_everything() -> None:
    assert parse_policy(GOOD) == PolicyFile(
        Policy(
            most_per_owner=20,
            order_attributes=(Attribute("region", "us-west"),),
            max_order_age_s=3600,
            unit={
                Amount.REPLICAS: Range(None, 50),
                Amount.CPU_MILLI: Range(100, 32_000),
                Amount.MEMORY_BYTES: Range(None, 128 * GIB),
            },
            group={Amount.GPUS: Range(None, 8), Amount.STORAGE_BYTES: Range(None, 4096 * GIB)},
            images=ImagePolicy(("docker.io", "ghcr.io"), ("**/xmrig*",), False),
        ),
        Sources(
            (Entry(ANN, 1_798_761_600, "miner", "the policy file"),),
            ("/etc/akp/deny.txt",),
            (ListUrl("https://lists.example.com/deny.txt", 3600, False),),
        ),
        None,
    )


def test_the_examples_in_the_operators_page_are_right() -> None:
    page = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()
    found = parse_policy(page.partition("```yaml\n")[2].partition("```")[0])
    assert set(found.rest.unit) == set(Amount)
    assert [source.files for source in (found.deny, found.allow) if source] == [("deny.txt",), ("customers.txt",)]
    assert len(parse_owners(page.partition("```text\n")[2].partition("```")[0])) == 3


def test_no_policy_must_be_said() -> None:
    assert parse_policy("{}") == PolicyFile(Policy(), Sources(), None)


def test_parts_of_a_gib_are_bytes() -> None:
    found = parse_policy("limits: {unit: {memoryGiB: {min: 0.5}, storageGiB: {max: 0.000000001}}}").rest.unit
    assert found == {Amount.MEMORY_BYTES: Range(GIB // 2, None), Amount.STORAGE_BYTES: Range(None, 1)}


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ("", "", "the policy file is empty; write {} if there is to be no policy"),
        ("owner: {}", "owner", "known here: images, limits, maxOrderAgeBlocks, maxOrderAgeSeconds, mostPerOwner"),
        ("owners: {deny: {entry: []}}", "owners.deny.entry", "known here: entries, files, urls"),
        ("owners: {deny: {entries: [akash1x]}}", "owners.deny.entries.0", "`key: value` lines"),
        ("owners: {deny: {entries: [{owner: akash1x}]}}", "owners.deny.entries.0.owner", "bech32"),
        ("owners: {deny: {entries: [{until: 2027-01-01}]}}", "owners.deny.entries.0.owner", "is missing"),
        (f"owners: {{deny: {{entries: [{{owner: {ANN}, until: soon}}]}}}}", "owners.deny.entries.0.until", "a date"),
        ("owners: {deny: {urls: [{url: 'ftp://a'}]}}", "owners.deny.urls.0.url", "https:// or http://"),
        ("owners: {deny: {urls: [{url: 'https://a', refreshSeconds: 1}]}}", "owners.deny.urls.0.refreshSeconds", "60"),
        ("owners: {deny: {files: ['']}}", "owners.deny.files.0", "1 character"),
        ("owners: {allow: {}}", "owners.allow", "leave it out to serve everybody"),
        ("mostPerOwner: 0", "mostPerOwner", "greater than or equal to 1"),
        ("maxOrderAgeSeconds: -1", "maxOrderAgeSeconds", "greater than or equal to 0"),
        ("maxOrderAgeSeconds: 1h", "maxOrderAgeSeconds", "valid integer"),
        ("limits: {unit: {cpu: {max: 1}}}", "limits.unit.cpu", "known here: cpuMilli, endpoints, gpus, ips, memoryGiB"),
        ("limits: {unit: {gpus: {max: -1}}}", "limits.unit.gpus.max", "greater than or equal to 0"),
        ("limits: {unit: {gpus: {min: 3, max: 2}}}", "limits.unit.gpus", "min is above max"),
        ("limits: {group: {memoryGiB: {max: 1Gi}}}", "limits.group.memoryGiB.max", "'1Gi' is not a decimal number"),
        ("limits: {group: {memoryGiB: {max: [1]}}}", "limits.group.memoryGiB.max", "a number of GiB"),
        ("limits: {group: {memoryGiB: 5}}", "limits.group.memoryGiB", "`key: value` lines"),
        ("images: {allow: []}", "images.allow", "at least 1 item"),
        ("images: {deny: [xmrig]}", "images.deny.0", "a registry like ghcr.io, or registry/repository"),
        ("images: {digestRequired: perhaps}", "images.digestRequired", "boolean"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, path: str, told: str) -> None:
    with pytest.raises(Invalid) as bad:
        parse_policy(text)
    assert bad.value.path == path
    assert told in bad.value.message
