"""What can be looked up, and what may be missing."""

from __future__ import annotations

import pytest

from provider.cluster.api import kinds
from provider.errors import ConfigError, NotFound, Refused

from .conftest import Memory
from .mirrored import mirrored, obj


async def test_api_servers_are_found_behind_their_service(memory: Memory) -> None:
    labels = {"kubernetes.io/service-name": "kubernetes"}
    ends = {"endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}], "ports": [{"port": 6443}]}
    memory.put(obj(kinds.ENDPOINT_SLICE, "kubernetes", "default", labels, **ends))
    memory.put(obj(kinds.ENDPOINT_SLICE, "other", "default", {}, **ends))
    async with mirrored(memory) as (mirrors, _):
        assert list(mirrors.endpoints.all()) == [(("10.0.0.1", 6443), ("10.0.0.2", 6443))]
        assert mirrors.fresh
        assert mirrors.stale_s == 0


async def test_a_cluster_without_our_custom_resources_says_so(memory: Memory) -> None:
    memory.trouble["list manifests"] = NotFound("404")
    with pytest.raises(ExceptionGroup) as raised:
        async with mirrored(memory):
            pass
    (error,) = raised.value.exceptions
    assert isinstance(error, ConfigError)
    assert "manifests.akash.network" in str(error)


async def test_what_it_can_do_without_may_be_missing(memory: Memory) -> None:
    memory.trouble["list csistoragecapacities"] = NotFound("404")
    memory.trouble["list endpointslices"] = Refused("403")
    memory.trouble["list ipaddresspools"] = NotFound("404")
    async with mirrored(memory) as (mirrors, _):
        assert mirrors.fresh
