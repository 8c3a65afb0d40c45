"""Units, groups and their order: what differs between the two sets of rules."""

from __future__ import annotations

import pytest

from manifests.errors import SdlInvalid
from manifests.sdl import compile_sdl

TWO = """\
version: "{version}"
services:
  zeta: &service
    image: docker.io/library/app:1
    expose:
      - {{port: 80, to: [{{global: true}}]}}
      - {{port: 81, to: [{{global: true}}, {{service: alpha}}]}}
  alpha:
    <<: *service
    image: docker.io/library/other:1
profiles:
  compute:
    one: &profile
      resources:
        cpu: {{units: 1}}
        memory: {{size: 1Gi}}
        storage: {{size: 1Gi}}
    two:
      <<: *profile
  placement:
    west: &placement
      pricing:
        one: {{denom: uact, amount: 10}}
        two: {{denom: {denom}, amount: 20}}
    East:
      <<: *placement
      attributes: {{region: east}}
deployment:
  zeta:
    west: {{profile: one, count: 1}}
  alpha:
    {place}: {{profile: {profile}, count: 2}}
"""


def two(version: str = "2.0", denom: str = "uact", place: str = "west", profile: str = "one") -> str:
    return TWO.format(version=version, denom=denom, place=place, profile=profile)


def test_2_0_sells_each_service_its_own_unit() -> None:
    (group,) = compile_sdl(two("2.0")).groups
    assert [(u.resources.id, u.count, len(u.resources.endpoints)) for u in group.resources] == [(1, 2, 2), (2, 1, 2)]


def test_2_1_sells_one_unit_per_profile_and_the_services_share_it() -> None:
    compiled = compile_sdl(two("2.1"))
    (group,) = compiled.groups
    assert [(u.resources.id, u.count, len(u.resources.endpoints)) for u in group.resources] == [(1, 3, 4)]
    services = compiled.manifest[0].services
    assert [(s.name, s.resources.id, s.count, len(s.resources.endpoints)) for s in services] == [
        ("alpha", 1, 2, 2),
        ("zeta", 1, 1, 2),
    ]


def test_different_profiles_stay_apart_in_2_1() -> None:
    (group,) = compile_sdl(two("2.1", profile="two")).groups
    assert [(u.resources.id, u.price.amount_e18 // 10**18) for u in group.resources] == [(1, 20), (2, 10)]


def test_groups_are_in_byte_order_in_both_lists() -> None:
    compiled = compile_sdl(two(place="East"))
    assert [g.name for g in compiled.groups] == [g.name for g in compiled.manifest] == ["East", "west"]
    assert compiled.groups[0].requirements.attributes[0].value == "east"


def test_an_explicit_key_wins_over_a_merged_one() -> None:
    images = [s.image for s in compile_sdl(two()).manifest[0].services]
    assert images == ["docker.io/library/other:1", "docker.io/library/app:1"]


@pytest.mark.parametrize("place", ["west", "East"])
def test_mixed_denominations_are_refused(place: str) -> None:
    with pytest.raises(SdlInvalid, match="one denomination"):
        compile_sdl(two(denom="uakt", place=place, profile="two"))


def test_services_of_a_placement_agree_on_the_tee() -> None:
    tees = two().replace(
        "    image: docker.io/library/app:1", "    params: {tee: cpu}\n    image: docker.io/library/app:1"
    )
    assert compile_sdl(tees).groups[0].requirements.attributes[0].key == "tee/type"
    gpu = "storage: {size: 1Gi}\n        gpu: {units: 1, attributes: {vendor: {nvidia: }}}"
    both = tees.replace(
        "    image: docker.io/library/other:1", "    params: {tee: cpu-gpu}\n    image: docker.io/library/other:1"
    )
    with pytest.raises(SdlInvalid, match="must agree"):
        compile_sdl(both.replace("storage: {size: 1Gi}", gpu))


def test_counts_of_a_shared_unit_do_not_overflow() -> None:
    with pytest.raises(SdlInvalid, match="add up"):
        compile_sdl(two("2.1").replace("count: 2", "count: 4294967295"))
