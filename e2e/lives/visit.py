"""What can be seen of a lease that runs: by its tenant, by the world, and inside its pods."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from prometheus_client.parser import text_string_to_metric_families

from e2e.cluster import Cluster
from e2e.cluster.addons import ingress
from e2e.cluster.said import EXEC_TRIES, all_said, saying_so
from manifests.ids import LeaseID, lease_namespace
from manifests.render.names import SERVICE
from manifests.sdl import compile_sdl
from provider.chain.messages import UpdateDeployment
from provider.cluster import exec as commands
from provider.cluster.api.kinds import POD
from provider.cluster.logs import logs
from provider.daemon import Running
from provider.errors import NotFound, Refused, Retry
from provider.sandbox.network import Network
from provider.sandbox.tenant import Gateway

T = TypeVar("T")
PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class Visit:
    net: Network
    daemon: Running
    cluster: Cluster
    gateway: Gateway
    lease: LeaseID

    @property
    def namespace(self) -> str:
        return lease_namespace(self.lease)

    async def status(self) -> dict[str, Any]:
        """As the gateway tells the tenant."""
        return await self.until("the lease's status", lambda: self.gateway.lease_status(self.lease))

    async def host(self, service: str) -> str:
        """A host name of the service, once it has one."""
        return (await self.hosts(service))[0]

    async def hosts(self, service: str, count: int = 1) -> list[str]:
        """Its host names, once there are so many: pods may be ready before the world has a way to them."""

        async def so_many() -> list[str] | None:
            found: list[str] = (await self.status())["services"][service]["uris"]
            return found if len(found) >= count else None

        return await self.until(f"{count} host names of {service}", so_many)

    async def page(self, host: str, path: str = "/", *, gone: bool = False) -> str:
        """What the world gets under a host name, once the ingress answers with 200 (with `gone`, with 404)."""
        url, wanted = f"http://127.0.0.1:{ingress.port(self.cluster)}{path}", 404 if gone else 200

        async def answered() -> httpx.Response | None:
            found = await fetched(url, {"Host": host})
            return found if found is not None and found.status_code == wanted else None

        return (await self.until(f"{wanted} for {host}{path}", answered)).text

    async def page_at(self, address: str, path: str = "/") -> str:
        """The same by `IP:PORT`, without any ingress."""
        return (await self.until(f"an answer of {address}", lambda: fetched(f"http://{address}{path}"))).text

    async def served(self, host: str, path: str) -> str:
        """The same, once there is something on it: a page that another service makes is empty until that is found."""
        return await self.until(f"something under {host}{path}", lambda: self.page(host, path))

    async def pods(self, service: str) -> list[dict[str, Any]]:
        """Those that are ready and not going, once there is one."""

        async def ready() -> list[dict[str, Any]]:
            found = await self.net.kube.all(POD, self.namespace, f"{SERVICE}={service}")
            return [pod for pod in found if _ready(pod) and not pod["metadata"].get("deletionTimestamp")]

        return await self.until(f"a pod of {service}", ready)

    async def run(self, service: str, script: str) -> commands.Outcome:
        """A shell script in the service's first pod; where it could not be run, it is tried again."""
        why = ""

        async def ended() -> commands.Outcome | None:
            nonlocal why
            pod = (await self.pods(service))[0]["metadata"]["name"]
            async with asyncio.timeout(PATIENCE_S):
                done = await commands.run(self.net.kube, self.namespace, pod, service, ["sh", "-c", script])
            why = f"{done.result.message}: {done.result.cause}"
            return None if done.result.message else done

        try:
            return await self.until("it to be run", ended)
        except TimeoutError as late:
            raise AssertionError(f"{script!r} in {service}: {late}: {why}") from None

    async def said(self, service: str, script: str) -> str:
        """What a script prints: all of it."""
        for _ in range(EXEC_TRIES):
            told = all_said((await self.run(service, saying_so(script))).stdout.decode())
            if told is not None:
                return told
        raise AssertionError(f"{script!r} in {service}: its output got lost {EXEC_TRIES} times")

    async def log(self, service: str, line: str) -> list[str]:
        """Its lines, once this one is among them: what a container writes is in its log a moment later."""

        async def read() -> list[str] | None:
            async with asyncio.timeout(PATIENCE_S), logs(self.net.kube, self.namespace, service) as lines:
                found = [each.text async for each in lines]
            return found if line in found else None

        return await self.until(f"{line!r} in the log", read)

    async def update(self, sdl: bytes) -> None:
        """A new manifest: its hash on chain, itself to the gateway, until that has it."""
        compiled = self.net.played(compile_sdl(sdl))
        await self.net.tenant.send(UpdateDeployment(self.lease.deployment, compiled.version))

        async def accepted() -> bool:
            try:
                await self.gateway.send_manifest(self.lease.dseq, compiled)
            except Refused as no:  # the daemon has not read the block with the new hash yet
                if "version" in str(no) or "hash" in str(no):
                    return False
                raise
            return True

        await self.until("the new manifest to be accepted", accepted)

    async def gauge(self, name: str, **labels: str) -> float:
        """A figure of the daemon's metrics; 0 while it has none of that name and these labels."""
        where = f"http://127.0.0.1:{self.daemon.health_port}/metrics"
        found = await self.until("the daemon's metrics", lambda: fetched(where))
        families = text_string_to_metric_families(found.text)
        return sum(s.value for f in families for s in f.samples if s.name == name and s.labels == labels)

    async def until(self, what: str, look: Callable[[], Awaitable[T | None]]) -> T:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                if found := await look():
                    return found
            except (NotFound, Retry):
                pass
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {PATIENCE_S:.0f} s for {what}")
            await asyncio.sleep(0.2)


async def fetched(url: str, headers: dict[str, str] | None = None) -> httpx.Response | None:
    """None while nobody answers."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            return await http.get(url, headers=headers)
    except httpx.TransportError:
        return None


def _ready(pod: dict[str, Any]) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
