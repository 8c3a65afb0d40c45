"""Every setting of the daemon, each with one line for the operator, read once at start.

Sources, strongest first: command-line flags, environment (`AKP_CHAIN__NODES`), the YAML file, a secrets directory, and
what the environment still holds of the reference provider's own variables (reference_settings.py). An unknown key is an
error, not a shrug: a typo in a price or a host name costs money. Prices live in a file of their own (see
bidengine/tariff/__init__.py) because they change while the daemon runs.
"""

from __future__ import annotations

import json
import os
import re
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from manifests import bech32
from manifests.coins import parse_decimal
from manifests.render.site import DNS_ADDRESSES
from provider.errors import ConfigError
from provider.isolation_settings import IsolationSettings
from provider.pricer_settings import HttpSettings, ScaleSettings, ScriptSettings, listed
from provider.reference_settings import from_reference
from provider.setting_types import (
    Address,
    AnnotationKey,
    ApiServer,
    Blocked,
    Capacity,
    Domain,
    Host,
    MaybeKey,
    MaybeName,
    Name,
    Namespace,
    QualifiedKey,
)

Listen = Annotated[str, Field(pattern=r"^[^\s]*:\d{1,5}$")]
Coins = Annotated[str, Field(pattern=r"^(\d+[a-zA-Z][\w/:.-]*(,\d+[a-zA-Z][\w/:.-]*)*)?$")]

Namespaces = Annotated[tuple[Namespace, ...], NoDecode, BeforeValidator(listed)]
TaintKeys = Annotated[tuple[QualifiedKey, ...], NoDecode, BeforeValidator(listed)]
BlockedNames = Annotated[tuple[Blocked, ...], NoDecode, BeforeValidator(listed)]
ApiServers = Annotated[tuple[ApiServer, ...], NoDecode, BeforeValidator(listed)]
Addresses = Annotated[tuple[Address, ...], NoDecode, BeforeValidator(listed)]


def _once_each(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) != len(value):  # the chain refuses it (akash 4)
        raise ValueError("name each source once")
    return value


DepositSources = Annotated[
    tuple[Literal["balance", "grant"], ...],
    NoDecode,
    BeforeValidator(listed),
    AfterValidator(_once_each),
    Field(min_length=1),
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _http_address(address: str) -> str:
    """`tcp://host:port` is how nodes themselves write it; a bare `host:port` means the same."""
    scheme, _, rest = address.rstrip("/").rpartition("://")
    return f"https://{rest}" if scheme == "https" else f"http://{rest}"


class NodeSettings(_Part):
    rpc: Annotated[str, AfterValidator(_http_address)] = Field(
        min_length=1, description="CometBFT RPC address, e.g. https://node.example.com:26657."
    )
    grpc: str = Field(min_length=1, description="gRPC address, e.g. https://node.example.com:9090.")

    def __str__(self) -> str:
        return f"{{rpc: {self.rpc}, grpc: {self.grpc}}}"


def _pairs(value: Any) -> Any:
    """`rpc,grpc rpc,grpc`: what people write in an environment variable; JSON is taken too."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    pairs = [text.split(",") for text in value.split()]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("write each node as rpc,grpc and put spaces between nodes")
    return [{"rpc": rpc, "grpc": grpc} for rpc, grpc in pairs]


NodeList = Annotated[tuple[NodeSettings, ...], NoDecode, BeforeValidator(_pairs), Field(min_length=1)]


_USUAL_BOUND_E18 = 25 * 10**16
"""whatever gas_price_uakt is: ten times what nodes usually want"""


class ChainSettings(_Part):
    id: str = Field("akashnet-2", description="Chain id; the daemon refuses a node that serves another one.")
    nodes: NodeList = Field(
        (NodeSettings(rpc="http://127.0.0.1:26657", grpc="http://127.0.0.1:9090"),),
        description="Nodes, best first, each by its CometBFT RPC and its gRPC address; "
        "two or more, so that one may fail and none is believed alone when a lease is taken down. "
        "In the environment `rpc,grpc`, several with spaces between.",
    )
    gas_price_uakt: str = Field("0.025", pattern=r"^\d+(\.\d{1,18})?$", description="Fee per unit of gas, in uakt.")
    max_gas_price_uakt: str = Field(
        "",
        pattern=r"^(\d+(\.\d{1,18})?)?$",
        description="Most to pay per unit of gas, in uakt, when a node wants more than gas_price_uakt; one that wants "
        "more than this is passed over. Empty: ten times gas_price_uakt, and at least 0.25.",
    )
    gas_adjustment: float = Field(1.5, ge=1.1, le=10, description="Simulated gas is multiplied by this.")
    max_gas_multiple: int = Field(
        5,
        ge=1,
        le=1000,
        description="A node whose simulation tells more than this many times the gas that such messages usually use "
        "is passed over, unless a second one tells about the same of a single message.",
    )
    bids_per_tx: int = Field(50, ge=1, le=200, description="Most bids put into one transaction.")
    tx_timeout_s: int = Field(
        60, ge=10, le=590, description="A transaction not included after this block time is void."
    )
    fee_budget_per_hour: str = Field(
        "",
        pattern=r"^(\d+uakt)?$",
        description="Most to spend on fees in an hour of the chain's time, e.g. 2000000uakt; what is above it waits, "
        "except closing, reclaiming and withdrawals before an account is empty. Empty: no limit.",
    )

    @field_validator("max_gas_price_uakt")
    @classmethod
    def _is_not_below_the_usual(cls, value: str, info: ValidationInfo) -> str:
        usual = info.data.get("gas_price_uakt")
        if value and usual and parse_decimal(value) < parse_decimal(usual):
            raise ValueError(f"it is less than gas_price_uakt, {usual}")
        return value

    @property
    def most_gas_price_e18(self) -> int:
        """What `max_gas_price_uakt` stands for."""
        given = self.max_gas_price_uakt
        return parse_decimal(given) if given else max(10 * parse_decimal(self.gas_price_uakt), _USUAL_BOUND_E18)


SecretRef = Annotated[str, Field(pattern=r"^[a-z0-9-]+/[a-z0-9.-]+/[-._a-zA-Z0-9]+$")]
Account = Annotated[str, Field(pattern=r"^(akash1[a-z0-9]{38,58})?$")]


class KeySettings(_Part):
    mnemonic_file: Path | None = Field(None, description="File with the 12–24 words of the account that signs.")
    hex_file: Path | None = Field(None, description="File with the private key as 64 hex digits.")
    armor_file: Path | None = Field(None, description="File with the key as `akash keys export` prints it.")
    secret: SecretRef | None = Field(
        None, description="Kubernetes Secret with words, hex or armoured key, as namespace/name/key."
    )
    remote_url: str | None = Field(None, description="Service that signs for us, e.g. https://signer:9443.")
    mnemonic: str | None = Field(None, repr=False, description="The words themselves; prefer a file or a secret.")
    index: int = Field(0, ge=0, lt=1 << 31, description="Which account of the words: the last part of its HD path.")
    passphrase_file: Path | None = Field(None, description="File with the passphrase of the armoured key.")
    passphrase_secret: SecretRef | None = Field(
        None, description="The same in a Kubernetes Secret, as namespace/name/key."
    )
    remote_token_file: Path | None = Field(None, description="File with the bearer token of that service.")
    remote_ca_file: Path | None = Field(
        None, description="PEM with the authority of that service's certificate; empty uses the system's."
    )
    remote_timeout_s: float = Field(5.0, gt=0, le=60, description="Longest wait for a signature of that service.")
    owner: Account = Field(
        "", description="The provider's account when its own key stays cold; the key above acts for it by grants."
    )
    fee_granter: Account = Field(
        "",
        description="Account that pays the fees by a fee grant to the key above; empty, that key's own account pays.",
    )


class ProviderSettings(_Part):
    host_uri: str = Field("", description="Address tenants reach; empty means https://public_hostname:8443.")
    email: str = Field("", description="Contact shown in the provider's record.")
    website: str = Field("", description="Website shown in the provider's record.")
    attributes: dict[str, str] = Field(
        {}, description="What the provider says of itself, e.g. {region: us-west, tier: community, host: akash}."
    )
    publish_capabilities: bool = Field(
        True, description="`akp attributes` adds the cluster's GPUs and storage classes to those."
    )


class ClusterSettings(_Part):
    kubeconfig: Path | None = Field(None, description="Path of a kubeconfig; empty inside a cluster.")
    context: str | None = Field(None, description="Context of that kubeconfig; empty means the current one.")
    manifest_namespace: Namespace = Field("lease", description="Namespace of the Manifest and ProviderHost resources.")
    ingress_mode: Literal["ingress", "gateway-api"] = Field(
        "ingress", description="How host names are routed: by Ingresses, or by HTTPRoutes on a Gateway of yours."
    )
    ingress_class: Name = Field("akash-ingress-class", description="IngressClass of tenants' host names.")
    gateway_name: Name = Field("akash-gateway", description="Gateway that HTTPRoutes are attached to.")
    gateway_namespace: Namespace = Field("akash-gateway", description="Namespace of that Gateway and of its pods.")
    gateway_section: MaybeName = Field(
        "", description="Listener of that Gateway; empty attaches to all that take the route."
    )
    ingress_namespaces: Namespaces = Field(
        (), description="Namespaces of ingress controllers other than ingress-nginx, which may reach leases' pods."
    )
    tls_issuer: MaybeName = Field(
        "",
        description="cert-manager ClusterIssuer that gives tenants' own host names certificates (Ingresses only); "
        "empty asks for none.",
    )
    tls_generated_hosts: bool = Field(
        False,
        description="Ask it for generated names too; a wildcard certificate of the controller serves these better.",
    )
    ingress_domain: Domain = Field("", description="Domain of generated host names, e.g. ingress.example.com.")
    static_hosts: bool = Field(True, description="Give every HTTP service a generated host name under ingress_domain.")
    blocked_hostnames: BlockedNames = Field(
        (),
        description="Host names that tenants may not use: names, .example.com for that one and all below it, or "
        "*.example.com for those below it.",
    )
    hostname_proof: Literal["off", "txt"] = Field(
        "off",
        description="With txt, a tenant's own host name is routed once the DNS TXT record _akash-challenge.<name> "
        "holds the tenant's address.",
    )
    public_hostname: Host = Field("", description="Name under which node ports are reached; shown to tenants.")
    network_policies: bool = Field(True, description="Keep leases apart with NetworkPolicies.")
    api_servers: ApiServers = Field(
        (), description="Address and port of each API server, e.g. 10.0.0.1:6443; empty asks the cluster."
    )
    dns_addresses: Addresses = Field(
        DNS_ADDRESSES,
        description="DNS that leases may ask beside the cluster's own in kube-system: where NodeLocal DNSCache listens "
        "on nodes.",
    )
    disruption_budgets: bool = Field(
        True, description="A node's drain takes one replica at a time of services that have several."
    )
    isolation: IsolationSettings = IsolationSettings()
    node_ports: int = Field(1000, ge=0, description="Node ports that may be promised to tenants.")
    leased_ips: int = Field(0, ge=0, description="Addresses there are to lease to tenants; 0 leases none.")
    ip_pool: MaybeName = Field(
        "", description="MetalLB IPAddressPool to lease from; its size then counts, not leased_ips."
    )
    load_balancer_class: MaybeKey = Field(
        "",
        description="loadBalancerClass of leased addresses' Services; empty is MetalLB or whatever else the cluster "
        "has. Leave it as it is while leases have addresses.",
    )
    load_balancer_annotations: dict[AnnotationKey, str] = Field(
        {},
        description="Annotations of these Services for what is not MetalLB; {key} stands for what ports of one address "
        'share, e.g. {lbipam.cilium.io/sharing-key: "{key}"}.',
    )
    tolerations: TaintKeys = Field(
        (), description="Keys of node taints that leases' pods tolerate, e.g. nvidia.com/gpu; others keep leases away."
    )
    gpus: Path | None = Field(
        None,
        description="File of GPU models that adds to the built-in list, in the format of the network's gpus.json; "
        "re-read when it changes.",
    )
    gpu_runtime_class: MaybeName = Field(
        "nvidia",
        description="RuntimeClass of new leases' pods with NVIDIA cards; empty where NVIDIA's runtime is the nodes' "
        "default.",
    )
    overcommit_cpu_percent: int = Field(0, ge=0, description="Sell this much more CPU than there is.")
    overcommit_memory_percent: int = Field(0, ge=0, description="Sell this much more memory than there is.")
    overcommit_storage_percent: int = Field(0, ge=0, description="Sell this much more ephemeral storage than there is.")
    storage: dict[Name, Capacity] = Field(
        {},
        description="Declared capacity per storage class, e.g. {beta3: 10Ti}, where the cluster does not report one.",
    )
    storage_classes: dict[Name, Name] = Field(
        {},
        description="StorageClass behind a name that tenants ask for, e.g. {beta3: fast-nvme}; "
        "leave it as it is while leases have such volumes.",
    )
    retain_volumes_h: int = Field(
        0, ge=0, description="Tenants' volumes are kept this many hours after their lease (akp volumes); 0 not at all."
    )
    image_pull_secret: MaybeName = Field(
        "", description="Secret in each lease namespace used where a tenant gives no credentials."
    )

    @field_validator("tls_issuer")
    @classmethod
    def _has_ingresses(cls, value: str, known: ValidationInfo) -> str:
        if value and known.data.get("ingress_mode") == "gateway-api":
            raise ValueError(
                "cert-manager knows no HTTPRoutes: leave it out with cluster.ingress_mode gateway-api, and give the"
                " certificates to the listeners of your Gateway (annotate that with the issuer)"
            )
        return value

    @field_validator("tls_generated_hosts")
    @classmethod
    def _has_an_issuer(cls, value: bool, known: ValidationInfo) -> bool:
        if value and known.data.get("tls_issuer") == "":
            raise ValueError("nobody is asked for certificates: set cluster.tls_issuer, or leave it out")
        return value


class BidSettings(_Part):
    strategy: Literal["tariff", "script", "scale", "http"] = Field(
        "tariff", description="Who says the price: the price file, or as docs/pricing.md tells."
    )
    prices: Path = Field(Path("prices.yaml"), description="The price file; re-read when it changes.")
    policy: Path | None = Field(
        None, description="The policy file: tenants, limits, images; re-read when it changes. Empty serves everybody."
    )
    script: ScriptSettings = ScriptSettings()
    scale: ScaleSettings = ScaleSettings()
    http: HttpSettings = HttpSettings()
    deposit: str = Field("500000uakt", pattern=r"^\d+[a-zA-Z][\w/:.-]*$", description="Deposit of each bid.")
    deposit_sources: DepositSources = Field(
        ("balance",),
        description="What pays the deposits, tried in this order: balance (the provider's account), grant (deposit "
        "authorizations that others have given it).",
    )
    fee_reserve: str = Field(
        "250000uakt",
        pattern=r"^(\d+uakt)?$",
        description="Kept for fees, which are paid in uakt: no bid is made whose deposit would leave the account that"
        " pays the fees less.",
    )
    min_balance: Coins = Field(
        "", description="Kept besides in the provider's account, e.g. 5000000uakt or 1000000uakt,2000000uact."
    )
    max_volumes: int = Field(4, ge=1, description="Most volumes per service.")
    timeout_s: int = Field(
        300, ge=0, description="An unanswered bid is closed after this many seconds of block time; 0 never."
    )
    reclamation_window_s: int = Field(
        0, ge=0, description="Longest notice offered before taking a lease back; 0 offers none."
    )
    packing: Literal["best-fit", "spread", "protect-gpu"] = Field(
        "best-fit",
        description="How leases are laid out on nodes: best-fit (fill small holes first), spread (emptiest node first),"
        " protect-gpu (best-fit, and orders without GPUs leave GPU nodes enough cpu and memory to sell their GPUs).",
    )
    gpu_node_cpu_share_percent: int = Field(
        0,
        ge=0,
        le=100,
        description="With protect-gpu: how much of the cpu and memory kept for free GPUs other orders may have.",
    )
    workers: int = Field(100, ge=1, le=1000, description="Orders considered at the same time; they share transactions.")


class GraceSettings(_Part):
    """By cause; time in which the trouble could not be seen does not count (docs/leases.md)."""

    image_pull_s: int = Field(
        86_400, ge=0, description="A lease whose images are not there is closed after this; 0 never."
    )
    bad_command_s: int = Field(86_400, ge=0, description="One whose command is not in its image; 0 never.")
    refused_s: int = Field(86_400, ge=0, description="One whose manifest the cluster refuses; 0 never.")
    crash_loop_s: int = Field(0, ge=0, description="One whose program ends in error again and again; 0 never.")
    out_of_memory_s: int = Field(0, ge=0, description="One that is killed for its memory again and again; 0 never.")
    completed_s: int = Field(0, ge=0, description="One whose program ends without error again and again; 0 never.")
    over_limit_s: int = Field(0, ge=0, description="One that is evicted for its disk again and again; 0 never.")
    unschedulable_s: int = Field(
        259_200, ge=0, description="One whose pods find no room while every node is up: the provider's fault; 0 never."
    )
    storage_s: int = Field(
        259_200, ge=0, description="One whose volumes cannot be had while every node is up; 0 never."
    )


class LeaseSettings(_Part):
    manifest_timeout_s: int = Field(300, ge=0, description="A lease without a manifest is closed after this; 0 never.")
    withdraw_period_s: int = Field(
        86_400, ge=60, description="Income is collected from each lease at least this often."
    )
    withdraw_fee_multiple: int = Field(
        1000,
        ge=0,
        description="Sooner, when this many times the fee of collecting it is waiting; 0 waits for the period.",
    )
    workers: int = Field(8, ge=1, le=64, description="Leases deployed at the same time.")
    grace: GraceSettings = GraceSettings()


class GatewaySettings(_Part):
    listen: Listen = Field("0.0.0.0:8443", description="Address of the tenants' HTTPS API.")
    certificate: Path | None = Field(
        None, description="PEM with the provider's on-chain certificate and its key; made when empty."
    )
    max_body_bytes: int = Field(4 << 20, ge=1 << 10, description="Largest manifest accepted.")


class SweepSettings(_Part):
    addresses: Annotated[tuple[Account, ...], NoDecode, BeforeValidator(listed)] = Field(
        (), description="Your own accounts that money may go to; the first is where it goes. Empty sends nothing."
    )
    keep: str = Field(
        "10000000uakt",
        pattern=r"^\d+[a-zA-Z][\w/:.-]*$",
        description="Stays in the provider's account; what is above it in this coin is swept. ACT cannot be sent.",
    )
    least: int = Field(1_000_000, ge=1, description="Nothing less is sent, in millionths of that coin.")
    most_per_day: int = Field(100_000_000, ge=1, description="Most that is sent within 24 hours, in millionths.")
    delay_s: int = Field(
        86_400, ge=0, description="Seconds from a sweep's announcement to its sending; akp money sweep cancel stops it."
    )

    @field_validator("addresses")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            bech32.decode(address)  # ValueError: no money is announced for an account that cannot be
        return value

    @field_validator("keep")
    @classmethod
    def _can_be_sent(cls, value: str) -> str:
        if value.lstrip("0123456789") == "uact":
            raise ValueError("ACT cannot be sent to anybody: name another coin, e.g. 10000000uakt")
        return value


class MetricsSettings(_Part):
    listen: Annotated[Listen | None, BeforeValidator(lambda value: value or None)] = Field(
        "127.0.0.1:8080", description="Address of /metrics, /healthz and /readyz; empty turns it off."
    )


class Settings(BaseSettings):
    """The whole tree. Frozen: what a part sees at start is what it will always see."""

    model_config = SettingsConfigDict(
        env_prefix="AKP_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    chain: ChainSettings = ChainSettings()
    key: KeySettings = KeySettings()
    provider: ProviderSettings = ProviderSettings()
    cluster: ClusterSettings = ClusterSettings()
    bid: BidSettings = BidSettings()
    lease: LeaseSettings = LeaseSettings()
    gateway: GatewaySettings = GatewaySettings()
    metrics: MetricsSettings = MetricsSettings()
    sweep: SweepSettings = SweepSettings()
    data: Path = Field(Path("/var/lib/akp"), description="Directory of ledger.db and generated certificates.")
    log: Literal["auto", "json", "console"] = Field("auto", description="Log format; auto is console on a terminal.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = InitSettingsSource(settings_cls, _from_file.get())
        reference = InitSettingsSource(settings_cls, from_reference(os.environ))
        return init_settings, env_settings, file, file_secret_settings, reference


_from_file: ContextVar[dict[str, Any]] = ContextVar("_from_file", default={})  # noqa: B039 - never changed in place
"""The file being loaded, handed to the class above, which pydantic builds from sources and not from arguments."""


def load(file: Path | None, **flags: Any) -> Settings:
    """Settings from a YAML file (optional), the environment and flags; ConfigError names the key and the cure."""
    token = _from_file.set(_read(file) if file is not None else {})
    _unknown_variables()
    try:
        return Settings(**{key: value for key, value in flags.items() if value is not None})
    except ValidationError as bad:
        first = bad.errors()[0]
        key = ".".join(str(p) for p in first["loc"]) or "settings"
        where = f"{file}: {key}" if file else key
        if first["type"] == "extra_forbidden":
            raise ConfigError(where, "unknown key", f"Known here: {', '.join(_known(first['loc'][:-1]))}.") from None
        found = "" if first["loc"][0] == "key" else f" (found {_shown(first['input'])})"  # a wallet is never shown
        raise ConfigError(where, f"{first['msg']}{found}", _cure(first["loc"])) from None
    except SettingsError as bad:
        cure = 'A section is set part by part, e.g. AKP_CHAIN__ID=akashnet-2; a map as JSON, e.g. {"beta3": "10Ti"}.'
        raise ConfigError("environment", str(bad), cure) from None
    finally:
        _from_file.reset(token)


_OTHERS = re.compile(r"AKP_(CACHE|E2E_[A-Z_]+|(.*_)?SERVICE_(HOST|PORT).*|(.*_)?PORT(_.*)?)")
"""Of our own tools, and those that Kubernetes makes for a Service whose name begins with akp."""


def _unknown_variables() -> None:
    """A misspelt variable is an error like a misspelt key."""
    for name in sorted(os.environ):
        section = name.removeprefix("AKP_").partition("__")[0].lower()
        ours = name.startswith("AKP_") and not _OTHERS.fullmatch(name)
        if ours and section not in Settings.model_fields:
            known = ", ".join(f"AKP_{field.upper()}" for field in sorted(Settings.model_fields))
            raise ConfigError(name, "unknown variable", f"Known beginnings: {known}.")


def _read(file: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(file.read_text())
    except OSError as bad:
        raise ConfigError(
            str(file), bad.strerror or "cannot be read", "Give the path of a readable YAML file with --config."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as bad:
        mark = getattr(bad, "problem_mark", None)
        at = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
        raise ConfigError(at, f"not YAML: {getattr(bad, 'problem', bad)}", "Mend the line.") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ConfigError(
            str(file), f"a mapping is expected, found {type(found).__name__}", "Write `key: value` lines."
        )
    return {str(k): v for k, v in found.items()}


def _model(path: tuple[int | str, ...]) -> type[BaseModel]:
    model: type[BaseModel] = Settings
    for part in path:
        field = model.model_fields.get(str(part))
        if isinstance(part, int) or field is None:
            continue
        kind = next(iter(get_args(field.annotation)), field.annotation)  # of a list, what is in it
        if not isinstance(kind, type) or not issubclass(kind, BaseModel):
            break
        model = kind
    return model


def _known(path: tuple[int | str, ...]) -> list[str]:
    return sorted(_model(path).model_fields)


def _cure(path: tuple[int | str, ...]) -> str:
    """What is said of the setting; of one in a list or map, what is said of that."""
    for end in range(len(path), 0, -1):
        field = _model(path[: end - 1]).model_fields.get(str(path[end - 1]))
        if field is not None and field.description:
            return field.description
    return "See docs/settings.md."


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
