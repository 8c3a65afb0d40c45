"""The chart: it lints, what it renders is what Kubernetes declares, and the daemon understands its configuration."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from bidengine.tariff.file import parse_tariff
from manifests.render.rbac import _RULES
from provider.market.policy.policy import Policies
from provider.settings import load

GOLDEN_RENDER = Path(__file__).resolve().parents[1] / "golden" / "render"
CASES = ["minimal", "full"]


def test_helm_finds_nothing_to_complain_about(tool, chart, kubernetes_version):
    lint = [str(tool("helm")), "lint", "--strict", "--kube-version", kubernetes_version, str(chart)]
    done = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize("values", CASES)
def test_it_renders_as_its_golden_file_says(template, golden, values):
    golden(values, template(values))


@pytest.mark.parametrize("values", CASES)
def test_what_it_renders_is_what_kubernetes_declares(template, conforms, values):
    assert conforms(template(values)) == []


def test_the_definitions_are_what_kubernetes_declares(chart, conforms):
    for file in (chart / "crds").glob("*.yaml"):
        assert conforms(file.read_text()) == []


def test_a_field_that_does_not_exist_is_noticed(template, conforms):
    (objection,) = conforms(template("minimal").replace("enableServiceLinks", "enableServiceLink"))
    assert objection["kind"] == "StatefulSet"
    assert "enableServiceLink" in objection["msg"]


@pytest.mark.parametrize("name", sorted(p.stem for p in GOLDEN_RENDER.glob("*.yaml")))
def test_a_rendered_lease_is_what_kubernetes_declares(name, conforms):
    assert conforms((GOLDEN_RENDER / f"{name}.yaml").read_text()) == []


@pytest.mark.parametrize("values", CASES)
def test_the_daemon_understands_its_configuration(objects, values, tmp_path):
    found = objects(values)
    (text,) = [o["data"]["config.yaml"] for o in found.values() if "config.yaml" in o.get("data", {})]
    (prices,) = [o["data"]["prices.yaml"] for o in found.values() if "prices.yaml" in o.get("data", {})]
    file = tmp_path / "config.yaml"
    file.write_text(text)
    settings = load(file)
    assert str(settings.key.mnemonic_file) == "/etc/akp-wallet/mnemonic"
    assert (settings.metrics.listen, settings.gateway.listen) == ("0.0.0.0:8080", "0.0.0.0:8443")
    assert str(settings.data) == "/var/lib/akp"
    assert str(settings.bid.prices) == "/etc/akp/prices.yaml"
    assert "uact" in parse_tariff(prices).currencies


def test_the_daemon_understands_its_policy_and_lists(objects, tmp_path):
    (data,) = [o["data"] for o in objects("full").values() if "policy.yaml" in o.get("data", {})]
    for name, text in data.items():
        (tmp_path / name).write_text(text)
    policy = Policies(tmp_path / "policy.yaml", tmp_path).current
    assert policy.max_order_age_s == 1_000_000
    assert [entry.reason for entry in policy.denied.values()] == ["miner"]
    assert policy.images.deny == ("**/xmrig*",)


def test_without_a_policy_none_is_named(objects):
    assert not any("policy.yaml" in str(o) for o in objects("minimal").values())


@pytest.mark.parametrize(
    ("case", "flags", "told"),
    [
        ("no wallet", ["--set", "wallet.existingSecret="], "wallet.existingSecret"),
        ("no prices", ["--set", "prices=null"], "set prices"),
        ("lists without a policy", ["--set", "policyLists.a=b"], "set policy"),
        (
            "an issuer for HTTPRoutes",
            ["--set", "config.cluster.tls_issuer=le,config.cluster.ingress_mode=gateway-api"],
            "annotate your Gateway",
        ),
        ("names for an issuer that is not there", ["--set", "config.cluster.tls_generated_hosts=true"], "tls_issuer"),
        ("a typo in a setting", ["--set", "config.chain.gprc=x"], "gprc"),
        ("a setting out of its range", ["--set", "config.chain.gas_adjustment=99"], "gas_adjustment"),
        ("the words in the clear", ["--set", "config.key.mnemonic=abandon"], "key"),
        ("a path the chart decides", ["--set", "config.data=/data"], "data"),
        ("an unknown value", ["--set", "replicas=2"], "replicas"),
    ],
)
def test_a_mistake_is_told_before_anything_is_installed(template, case, flags, told):
    with pytest.raises(ValueError, match=told):
        template("minimal", *flags)


def test_there_is_one_daemon_that_can_write_only_its_ledger(objects):
    (workload,) = [o for (kind, _), o in objects("full").items() if kind == "StatefulSet"]
    pod = workload["spec"]["template"]["spec"]
    (box,) = pod["containers"]
    assert workload["spec"]["replicas"] == 1
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert box["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    writable = {m["mountPath"] for m in box["volumeMounts"] if not m.get("readOnly")}
    assert writable == {"/var/lib/akp", "/tmp"}
    probes = {box[p]["httpGet"]["path"] for p in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert probes == {"/healthz", "/readyz"}


def test_a_changed_setting_restarts_the_daemon_and_a_changed_price_does_not(objects):
    def pod_template(*flags):
        return next(o for (k, _), o in objects("minimal", *flags).items() if k == "StatefulSet")["spec"]["template"]

    assert pod_template("--set", "config.bid.max_volumes=3") != pod_template()
    assert pod_template("--set", "prices.minimumUsdPerMonth=3") == pod_template()


# --- rights ---------------------------------------------------------------------------------------------------------


def rights(objects):
    """(group, resource) -> verbs the daemon has in any namespace or where it keeps its own resources."""
    out: dict[tuple[str, str], set[str]] = {}
    for (kind, _), role in objects.items():
        if kind in ("ClusterRole", "Role"):
            for rule in role["rules"]:
                for group in rule["apiGroups"]:
                    for resource in rule["resources"]:
                        out.setdefault((group, resource), set()).update(rule["verbs"])
    return out


def test_it_may_make_and_unmake_everything_a_lease_consists_of(objects):
    held = rights(objects("minimal"))
    files = [GOLDEN_RENDER / f"{name}.yaml" for name in ("everything", "another-site")]
    lease = [obj for file in files for obj in yaml.safe_load_all(file.read_text())]
    assert len({obj["kind"] for obj in lease}) == 14, "one of each kind that rendering makes"
    for obj in lease:
        group, _, _ = obj["apiVersion"].rpartition("/")
        plural = obj["kind"].lower() + ("es" if obj["kind"].endswith("s") else "s")
        plural = plural.replace("policys", "policies")
        assert {"create", "patch", "delete", "list"} <= held[group, plural], plural


def test_it_holds_every_right_it_gives_to_tenants(objects):
    """Kubernetes lets nobody give a right that they do not have."""
    held = rights(objects("minimal"))
    for rules in _RULES.values():
        for rule in rules:
            for resource in rule["resources"]:
                assert set(rule["verbs"]) <= held[rule["apiGroups"][0], resource]


def test_it_may_do_nothing_by_wildcard_and_nothing_to_the_cluster_itself(objects):
    held = rights(objects("minimal"))
    assert not any("*" in (*key, *verbs) for key, verbs in held.items())
    assert held["", "nodes"] == {"list", "watch", "patch"}
    assert held["", "pods"] == {"get", "list", "watch", "delete"}
    assert not {"escalate", "bind", "impersonate"} & {v for verbs in held.values() for v in verbs}
    assert not {r for _, r in held} & {"clusterroles", "clusterrolebindings", "customresourcedefinitions", "configmaps"}


def test_volumes_may_be_changed_only_where_they_are_kept(objects):
    looked_at = {"get", "list", "watch"}
    assert rights(objects("minimal"))["", "persistentvolumes"] == looked_at, "where they are, and which are still kept"
    for hours in (24, 0):  # with 0 those that are left are still to go at their time
        kept = rights(objects("minimal", "--set", f"config.cluster.retain_volumes_h={hours}"))
        assert kept["", "persistentvolumes"] == {*looked_at, "patch", "delete"}
