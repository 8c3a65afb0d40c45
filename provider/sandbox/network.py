"""Everything around the daemon in the sandbox: the chain, the cluster, a provider's record, a price file, and a
tenant with money.

`network(…)` gives the settings a daemon needs to live in it; whether that daemon runs in this process or another is
the caller's choice. Keys are derived from fixed words and are worth nothing anywhere else.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from manifests.gpus import GpuModel
from manifests.ids import OrderID
from manifests.render.crd import definitions
from manifests.resources import Attribute, GroupSpec, Requirements, SignedBy
from manifests.sdl import Compiled
from provider.chain.client import Chain
from provider.chain.keys import Key
from provider.chain.messages import CreateProvider, SignAttributes
from provider.chain.tx.signer import Signer
from provider.cluster.api.kinds import INGRESS_CLASS, RUNTIME_CLASS, STORAGE_CLASS, Kind
from provider.cluster.api.kube import Kube
from provider.errors import AkpError, ConfigError, Conflict, Retry
from provider.ledger.decisions import Decisions
from provider.ledger.store import Store
from provider.sandbox.chain.genesis import Genesis, OracleParams
from provider.sandbox.chain.node import Node
from provider.sandbox.cluster import EmbeddedCluster, NodeSpec
from provider.sandbox.tenant import Tenant
from provider.settings import ChainSettings, ClusterSettings, NodeSettings, Settings, load
from provider.tasks import spawn

Where = Literal["embedded", "kubeconfig", "local"]
CARDS = (
    GpuModel("nvidia", "a100", "80Gi", "sxm"),
    GpuModel("nvidia", "h100", "80Gi", "sxm"),
    GpuModel("nvidia", "rtx4090", "24Gi", "pcie"),
    GpuModel("nvidia", "rtx3090", "24Gi", "pcie"),
    GpuModel("nvidia", "t4", "16Gi", "pcie"),
)
MORE_CARDS = (
    GpuModel("nvidia", "a100-mig-1g.10gb", "10Gi", "", "nvidia.com/mig-1g.10gb"),
    GpuModel("amd", "mi300x", "192Gi"),
)
"""What the daemon finds out by itself, from the words of the vendors' labellers."""
NO = ("skip.", "fail.")
"""what the codes of a decline begin with"""
_LABEL = "akash.network/capabilities.gpu.vendor"
ADDRESSES = tuple(f"203.0.113.{n}" for n in range(1, 5))
"""What the embedded cluster gives Services that ask for an address; nobody routes these."""
NODES = (
    NodeSpec("node-1", cpu_milli=64_000, memory_bytes=256 << 30, ephemeral_bytes=4 << 40),
    *(
        NodeSpec(
            f"gpu-{card.model}", cpu_milli=128_000, memory_bytes=1 << 40, ephemeral_bytes=4 << 40, gpus=8,
            labels={
                f"{_LABEL}.{card.vendor}.model.{card.model}": "8",
                f"{_LABEL}.{card.vendor}.model.{card.model}.ram.{card.memory}": "8",
                f"{_LABEL}.{card.vendor}.model.{card.model}.interface.{card.interface}": "8",
            },
        )
        for card in CARDS
    ),
    NodeSpec(
        "gpu-slices", cpu_milli=128_000, memory_bytes=1 << 40, ephemeral_bytes=4 << 40,
        gpus=14, gpu_resource="nvidia.com/mig-1g.10gb",
        labels={"nvidia.com/mig.strategy": "mixed", "nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB"},
    ),
    NodeSpec(
        "gpu-mi300x", cpu_milli=128_000, memory_bytes=1 << 40, ephemeral_bytes=4 << 40,
        gpus=8, gpu_resource="amd.com/gpu", labels={"amd.com/gpu.device-id": "74a1", "amd.com/gpu.vram": "192G"},
    ),
)  # fmt: skip
MIN_RECLAMATION_WINDOW_S, RECLAMATION_WINDOW_S = 60, 86_400
"""the chain's shortest notice, and the longest that the daemon promises"""
CLASSES = ("beta1", "beta2", "beta3", "default")
AKT_USD_E18 = 5 * 10**17
_YEAR_NS = 365 * 86_400 * 10**9
_PATIENCE_S = 600
"""of ours, for which a tenant is waited for: blocks come many times faster than they count"""
PRICES = """\
# The sandbox's prices; `akp sandbox` writes this file, a real provider writes its own (docs/prices.md).
usdPerMonth:
  cpu: 1.60
  memoryGiB: 0.80
  storageGiB: {ephemeral: 0.02, beta1: 0.01, beta2: 0.03, beta3: 0.04, default: 0.02, ram: 0.80}
  endpoint: 0.05
  ip: 5
  gpu: {"*": 100, nvidia/a100: 900, nvidia/rtx4090: 300}
minimumUsdPerMonth: 5
currencies:
  uact: {}
  uakt: {haircutPercent: 2}
reclamation: {percentPerHour: 0.05}
floor:
  usdPerKwh: 0.12
  watts: {cpu: 5, gpu: {"*": 250, nvidia/a100: 400}}
  usdPerMonth: {cpu: 0.30, memoryGiB: 0.05, gpu: {"*": 40, nvidia/a100: 400}}
  feesUsdPerLease: 0.005
autoPrice:
  mode: dry-run
  cpu: {targetPercent: 70, lowestPercent: 80, highestPercent: 150}
  gpu: {"*": {targetPercent: 80, lowestPercent: 70, highestPercent: 200}}
"""


@dataclass(frozen=True, slots=True)
class Network:
    settings: Settings
    chain: Chain
    node: Node
    kube: Kube
    tenant: Tenant
    provider: Key
    auditor: Key
    cluster: str
    """where workloads go, in words for the screen"""
    embedded: EmbeddedCluster | None = None
    """the stand-in itself, whose troubles can be ordered; None on a real cluster"""
    peers: Sequence[Node] = ()
    """further nodes of the chain"""
    rival: Key | None = None
    """an account with money that nobody uses"""

    @property
    def ledger(self) -> Path:
        return self.settings.data / "ledger.db"

    async def why_no_bid(self, order: OrderID) -> str:
        """The daemon's last word about an order, from its ledger."""
        try:
            async with Store.open(self.ledger, readonly=True) as store:
                found = await Decisions(store).of(order)
        except ConfigError:
            return "the daemon has no ledger yet"
        return f"{found[-1].outcome}: {found[-1].detail}" if found and found[-1].outcome.startswith(NO) else ""

    def played(self, compiled: Compiled) -> Compiled:
        """The order as this network can serve it: auditors it names are played by the sandbox's own, for whom alone
        it can sign."""
        return replace(compiled, groups=tuple(_audited_by(group, self.auditor.address) for group in compiled.groups))


@asynccontextmanager
async def network(
    work: Path,
    *,
    where: Where | Path = "embedded",
    block_s: float = 0.5,
    chain_block_s: float = 6.0,
    nodes: Sequence[NodeSpec] = (),
    peers: int = 0,
    asked: Sequence[GroupSpec] = (),
    site: Mapping[str, Any] | None = None,
    foreign: Mapping[str, int] | None = None,
    log: Literal["auto", "json", "console"] = "auto",
) -> AsyncIterator[Network]:
    """A block every `block_s` seconds of ours, which the chain counts as `chain_block_s`: prices are per block, and
    a lease of tiny blocks would cost nothing. So many `peers` stand beside the chain's first node. `work` holds the
    ledger, the keys and the price file; `site` is put over the settings of the cluster; `foreign` are further coins of
    the rival, who may give them away."""
    provider, tenant, auditor, rival = (_key(who) for who in ("provider", "tenant", "auditor", "rival"))
    rich = {"uakt": 10**12, "uact": 10**12}
    genesis = Genesis.default(
        {k.address: rich for k in (provider, tenant, auditor)} | {rival.address: rich | dict(foreign or {})},
        genesis_time_unix_ns=time.time_ns(),
        min_reclamation_window_ns=MIN_RECLAMATION_WINDOW_S * 10**9,
        oracle=OracleParams(
            start_prices=(("akt", AKT_USD_E18),),
            staleness_ns=_YEAR_NS,  # nobody names it again
            retention_ns=_YEAR_NS,
        ),
    )
    async with AsyncExitStack() as open_:
        cluster_settings, words, embedded = await _cluster(open_, where, nodes, site or {})
        node = await open_.enter_async_context(Node(genesis, block_time_s=block_s, virtual_block_time_s=chain_block_s))
        # Its blocks come many times faster than they count, so a transaction must be good for more of them.
        others = [await open_.enter_async_context(node.peer()) for _ in range(peers)]
        doors = tuple(NodeSettings(rpc=n.rpc_url, grpc=n.grpc_url) for n in (node, *others))
        chain_settings = ChainSettings(id=genesis.chain_id, nodes=doors, tx_timeout_s=590)
        # Those who play the market here ask the last node, so that the others' troubles are the daemon's alone.
        quiet = chain_settings.model_copy(update={"nodes": doors[-1:]})
        chain = await open_.enter_async_context(Chain.connect(quiet))
        kube = await open_.enter_async_context(Kube.connect(cluster_settings))
        await furnish(kube)
        port = open_.enter_context(kept_port())
        patience_s = round(_PATIENCE_S * chain_block_s / block_s)
        settings = _settings(work, chain_settings, cluster_settings, provider, port, log, patience_s)
        tasks = await open_.enter_async_context(asyncio.TaskGroup())
        signers = {k.address: Signer(chain, k, chain_settings) for k in (provider, tenant, auditor)}
        running = [spawn(tasks, f"sandbox signer {n}", s.run()) for n, s in enumerate(signers.values())]
        running.append(spawn(tasks, "sandbox blocks", tell(chain, list(signers.values()))))
        attributes = spoken(asked)
        await signers[provider.address].send(CreateProvider(provider.address, f"https://127.0.0.1:{port}", attributes))
        await signers[auditor.address].send(SignAttributes(auditor.address, provider.address, attributes))
        await _registered(chain, provider.address, auditor.address)
        try:
            who = Tenant(chain, signers[tenant.address], tenant)
            yield Network(settings, chain, node, kube, who, provider, auditor, words, embedded, others, rival)
        finally:
            for task in running:
                task.cancel()


async def _cluster(
    open_: AsyncExitStack, where: Where | Path, nodes: Sequence[NodeSpec], site: Mapping[str, Any]
) -> tuple[ClusterSettings, str, EmbeddedCluster | None]:
    common: dict[str, Any] = {
        "ingress_domain": "ingress.sandbox.test",
        "public_hostname": "sandbox.test",
        "storage": dict.fromkeys(CLASSES, "10Ti"),
        **site,
    }
    match where:
        case "embedded":
            embedded = await open_.enter_async_context(EmbeddedCluster(nodes or NODES, addresses=ADDRESSES))
            common["leased_ips"] = len(ADDRESSES)
            return ClusterSettings(kubeconfig=embedded.kubeconfig, **common), embedded.banner, embedded
        case Path() as kubeconfig:
            return ClusterSettings(kubeconfig=kubeconfig, **common), f"the cluster of {kubeconfig}", None
        case "kubeconfig":
            current = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
            return ClusterSettings(kubeconfig=current, **common), f"the current context of {current}", None
        case "local":
            try:
                local = importlib.import_module("e2e.cluster")
            except ImportError:
                raise ConfigError(
                    "--cluster local", "e2e.cluster is not here", "Run it from a checkout of akash-provider."
                ) from None
            running = await asyncio.to_thread(local.Cluster(nodes="kubelet").__enter__)
            open_.push_async_callback(asyncio.to_thread, running.__exit__, None, None, None)
            settings = ClusterSettings(kubeconfig=Path(running.kubeconfig), **common)
            return settings, "a real local control plane with one real node", None


async def furnish(kube: Kube) -> None:
    """What an operator's chart brings: our CRDs, the namespace of manifests, classes of storage and ingress."""
    for definition in definitions():
        await kube.apply(definition)
    await kube.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lease", "labels": {"akash.network": "true"}}}
    )
    for name in CLASSES:
        if name != "default":
            await _present(kube, _storage_class(name))
    nvidia = {"apiVersion": RUNTIME_CLASS.api_version, "kind": RUNTIME_CLASS.kind, "metadata": {"name": "nvidia"}}
    await _present(kube, {**nvidia, "handler": "nvidia"})
    await kube.apply(
        {
            "apiVersion": INGRESS_CLASS.api_version,
            "kind": "IngressClass",
            "metadata": {"name": "akash-ingress-class"},
            "spec": {"controller": "projectcontour.io/contour"},
        }
    )
    for definition in definitions():
        await _served(kube, definition)


def _storage_class(name: str) -> dict[str, Any]:
    return {
        "apiVersion": STORAGE_CLASS.api_version,
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "sandbox.akash.network/none",
    }


async def _present(kube: Kube, obj: dict[str, Any]) -> None:
    try:
        await kube.create(obj)
    except Conflict:
        return  # the cluster brings its own


async def _served(kube: Kube, definition: dict[str, Any]) -> None:
    """A definition takes a moment until its kind can be listed."""
    spec = definition["spec"]
    version = next(v["name"] for v in spec["versions"] if v["served"])
    kind = Kind(spec["group"], version, spec["names"]["plural"], spec["names"]["kind"])
    for _ in range(3600):
        try:
            async for _page in kube.list(kind):
                pass
        except AkpError:
            await asyncio.sleep(0.05)
        else:
            return
    raise ConfigError("cluster", f"{kind} is not served", "Look at the CustomResourceDefinition's conditions.")


def _settings(
    work: Path,
    chain: ChainSettings,
    cluster: ClusterSettings,
    provider: Key,
    port: int,
    log: Literal["auto", "json", "console"],
    patience_s: int,
) -> Settings:
    """The daemon's settings, also written to a file so that it can run in a process of its own. `patience_s` with
    tenants is of the chain's time."""
    (work / "prices.yaml").write_text(PRICES)
    secret = work / "provider.hex"
    secret.touch(mode=0o600)
    secret.chmod(0o600)  # one of an earlier version
    secret.write_text(_secret("provider"))
    values = {
        "chain": json.loads(chain.model_dump_json()),
        "key": {"hex_file": str(secret)},
        "cluster": json.loads(cluster.model_dump_json(exclude_defaults=True)),
        "bid": {
            "prices": str(work / "prices.yaml"), "timeout_s": patience_s, "reclamation_window_s": RECLAMATION_WINDOW_S,
        },
        "lease": {"manifest_timeout_s": patience_s},
        "gateway": {"listen": f"127.0.0.1:{port}"},
        "metrics": {"listen": "127.0.0.1:0"},
        "data": str(work),
        "log": log,
    }  # fmt: skip
    (work / "akp.yaml").write_text(json.dumps(values, indent=2))  # JSON is YAML
    return load(work / "akp.yaml")


async def tell(chain: Chain, signers: list[Signer]) -> None:
    """Each new block to signers that outlive one: what they sign is void at a time reckoned from the last they know."""
    head = await chain.head()
    async for block in chain.follow(after=head.height):
        for signer in signers:
            for failed in signer.look(block):
                raise ConfigError(
                    "sandbox", f"{type(failed.msg).__name__} came to nothing: {failed.error}", "This is a defect."
                )


async def _registered(chain: Chain, provider: str, auditor: str) -> None:
    while True:
        with suppress(Retry):  # blocks come fast here: a slow machine may answer late
            if auditor in await chain.latest.audited(provider):
                return
        await asyncio.sleep(0.05)


def spoken(
    asked: Sequence[GroupSpec], cards: Iterable[GpuModel] = (*CARDS, *MORE_CARDS), classes: Iterable[str] = CLASSES
) -> tuple[Attribute, ...]:
    """Attributes for everything these cards and storage classes can serve, what tenants' files ask for most
    (sdl-manifest.md §16), and whatever the groups in hand ask for: the sandbox's provider says of itself what its
    visitor wants to hear."""
    found = {"host": "akash", "organization": "sandbox", "region": "us-west", "tier": "community", "ip-lease": "true"}
    for n, name in enumerate(classes, 1):
        found |= {f"capabilities/storage/{n}/class": name, f"capabilities/storage/{n}/persistent": "true"}
    found |= {"capabilities/storage/9/class": "ram", "capabilities/storage/9/persistent": "false"}
    for card in cards:
        key, ram, interface = f"capabilities/gpu/vendor/{card.vendor}/model/{card.model}", card.memory, card.interface
        found |= {key: "true", f"{key}/ram/{ram}": "true"}
        if interface:
            found |= {f"{key}/interface/{interface}": "true", f"{key}/ram/{ram}/interface/{interface}": "true"}
    for group in reversed(asked):
        found |= {a.key: a.value for a in group.requirements.attributes}
    return tuple(Attribute(k, v) for k, v in sorted(found.items()))


def _audited_by(group: GroupSpec, auditor: str) -> GroupSpec:
    signed = group.requirements.signed_by
    played = SignedBy((auditor,) if signed.all_of else (), (auditor,) if signed.any_of else ())
    return replace(group, requirements=Requirements(played, group.requirements.attributes))


def _secret(who: str) -> str:
    return hashlib.sha256(f"akash-provider sandbox {who}".encode()).hexdigest()


def _key(who: str) -> Key:
    return Key.from_hex(_secret(who))


@contextmanager
def kept_port() -> Iterator[int]:
    """A port that nobody else is given as long as the block lasts: the provider's record on chain names the gateway's,
    so it must be known before the gateway listens, and stay free while a daemon is between two lives. Who names it can
    listen there."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = int(held.getsockname()[1])
        if sys.platform != "linux":  # elsewhere who holds it keeps everybody away
            held.close()
        yield port
