"""Server-side apply: who owns which field, what a conflict is, and what goes when its owner lets go."""

from __future__ import annotations

from typing import Any

import pytest

Json = dict[str, Any]


def deployment(containers: list[Json] | None = None, **spec: Any) -> Json:
    containers = containers or [{"name": "web", "image": "web:1"}]
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def config_map(**data: str) -> Json:
    body: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    return body | ({"data": data} if data else {})


WEB = "apps/deployments/web"


async def test_apply_creates_then_changes_then_rests(api) -> None:
    first = await api.apply("configmaps/a", config_map(x="1"))
    assert first.code == 201
    assert first.manager("tester") == {"f:data": {"f:x": {}}}
    second = await api.apply("configmaps/a", config_map(x="2"))
    assert (second.code, second.body["data"]) == (200, {"x": "2"})
    assert second.version != first.version
    third = await api.apply("configmaps/a", config_map(x="2"))
    assert third.version == second.version


async def test_what_an_applier_no_longer_mentions_goes(api) -> None:
    await api.apply("configmaps/a", config_map(x="1", y="2"))
    after = await api.apply("configmaps/a", config_map(y="2"))
    assert after.body["data"] == {"y": "2"}
    assert after.manager("tester") == {"f:data": {"f:y": {}}}


async def test_a_field_two_have_applied_stays_until_both_let_go(api) -> None:
    await api.apply("configmaps/a", config_map(x="1"), "one")
    shared = await api.apply("configmaps/a", config_map(x="1", y="2"), "two")
    assert shared.code == 200
    still = await api.apply("configmaps/a", config_map(), "one")
    assert still.body["data"] == {"x": "1", "y": "2"}
    assert still.manager("one") is None
    gone = await api.apply("configmaps/a", config_map(y="2"), "two")
    assert gone.body["data"] == {"y": "2"}


async def test_changing_a_field_of_another_is_a_conflict(api) -> None:
    await api.apply(WEB, deployment(replicas=1), "one")
    refused = await api.apply(WEB, deployment(replicas=2), "two")
    assert (refused.code, refused.body["reason"]) == (409, "Conflict")
    assert refused.fields() == {".spec.replicas"}
    cause = refused.body["details"]["causes"][0]
    assert cause == {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".spec.replicas"}
    assert refused.body["message"] == 'Apply failed with 1 conflict: conflict with "one": .spec.replicas'


async def test_force_takes_the_field_over(api) -> None:
    await api.apply(WEB, deployment(replicas=1), "one")
    forced = await api.apply(WEB, deployment(replicas=2), "two", force=True)
    assert (forced.code, forced.body["spec"]["replicas"]) == (200, 2)
    assert "f:replicas" not in forced.manager("one")["f:spec"]
    assert "f:replicas" in forced.manager("two")["f:spec"]
    let_go = await api.apply(WEB, deployment(), "one")
    assert let_go.body["spec"]["replicas"] == 2


async def test_a_required_default_returns_when_its_owner_lets_go(api) -> None:
    await api.apply(WEB, deployment(replicas=3))
    after = await api.apply(WEB, deployment())
    assert after.body["spec"]["replicas"] == 1


async def test_a_plain_update_takes_fields_and_an_applier_conflicts_with_it(api) -> None:
    first = await api.apply("configmaps/a", config_map(x="1"), "one")
    body = first.body | {"data": {"x": "2"}}
    updated = await api.update("configmaps/a", body, fieldManager="hand")
    assert updated.manager("hand", "Update") == {"f:data": {"f:x": {}}}
    assert updated.manager("one") is None
    refused = await api.apply("configmaps/a", config_map(x="3"), "one")
    assert (refused.code, refused.fields()) == (409, {".data.x"})
    assert refused.body["message"].startswith('Apply failed with 1 conflict: conflict with "hand" using v1')
    assert (await api.apply("configmaps/a", config_map(x="2"), "one")).code == 200


async def test_containers_are_told_apart_by_name(api) -> None:
    one = {"name": "web", "image": "web:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    side = {"name": "side", "image": "side:1"}
    await api.apply(WEB, deployment([one]), "one")
    both = await api.apply(WEB, deployment([side]), "two")
    assert both.code == 200
    names = [each["name"] for each in both.body["spec"]["template"]["spec"]["containers"]]
    assert sorted(names) == ["side", "web"]
    assert 'k:{"name":"side"}' in both.manager("two")["f:spec"]["f:template"]["f:spec"]["f:containers"]
    fewer = await api.apply(WEB, deployment([one | {"env": [{"name": "B", "value": "2"}]}]), "one")
    found = {each["name"]: each for each in fewer.body["spec"]["template"]["spec"]["containers"]}
    assert found["web"]["env"] == [{"name": "B", "value": "2"}]
    assert set(found) == {"web", "side"}
    owned = fewer.manager("one")["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert owned == {
        'k:{"name":"web"}': {
            ".": {},
            "f:name": {},
            "f:image": {},
            "f:env": {'k:{"name":"B"}': {".": {}, "f:name": {}, "f:value": {}}},
        }
    }


async def test_an_item_named_twice_cannot_be_applied(api) -> None:
    """Not a polite 422: whoever applies must not let it come to that."""
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 80}]
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": ports}}
    refused = await api.apply("services/web", body)
    assert (refused.code, "duplicate entries for key" in refused.body["message"]) == (500, True)
    assert (await api.get("services/web")).code == 404


ORDERS = [
    ("abc", "ca", "bca"),
    ("abcd", "dxb", "acdxb"),
    ("ab", "xy", "abxy"),
    ("abc", "xb", "axbc"),
    ("abcde", "edc", "abedc"),
]


@pytest.mark.parametrize(("first", "second", "together"), ORDERS)
async def test_the_order_of_items_of_two_appliers(api, first: str, second: str, together: str) -> None:
    def body(names: str) -> Json:
        env = [{"name": name, "value": "x"} for name in names]
        return deployment([{"name": "web", "image": "web:1", "env": env}])

    await api.apply(WEB, body(first), "one")
    merged = await api.apply(WEB, body(second), "two")
    assert "".join(each["name"] for each in merged.body["spec"]["template"]["spec"]["containers"][0]["env"]) == together


async def test_lists_without_keys_are_replaced_whole(api) -> None:
    await api.apply(WEB, deployment([{"name": "web", "image": "web:1", "args": ["a", "b"]}]))
    after = await api.apply(WEB, deployment([{"name": "web", "image": "web:1", "args": ["c"]}]))
    container = after.body["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == ["c"]
    owned = after.manager("tester")["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"web"}']
    assert owned["f:args"] == {}


async def test_labels_are_owned_one_by_one(api) -> None:
    body = config_map() | {"metadata": {"name": "a", "labels": {"one": "1"}}}
    await api.apply("configmaps/a", body, "one")
    await api.merge("configmaps/a", {"metadata": {"labels": {"hand": "1"}}})
    after = await api.apply("configmaps/a", config_map(), "one")
    assert after.body["metadata"]["labels"] == {"hand": "1"}


async def test_finalizers_are_a_set(api) -> None:
    def with_finalizers(*names: str) -> Json:
        return config_map() | {"metadata": {"name": "a", "finalizers": list(names)}}

    await api.apply("configmaps/a", with_finalizers("x.test/one"), "one")
    both = await api.apply("configmaps/a", with_finalizers("x.test/two"), "two")
    assert sorted(both.body["metadata"]["finalizers"]) == ["x.test/one", "x.test/two"]
    left = await api.apply("configmaps/a", config_map(), "one")
    assert left.body["metadata"]["finalizers"] == ["x.test/two"]
    await api.apply("configmaps/a", config_map(), "two")


async def test_status_cannot_be_applied_with_the_rest(api) -> None:
    made = await api.apply(WEB, deployment() | {"status": {"replicas": 7}})
    assert made.code == 201
    assert "f:status" not in made.manager("tester")
    assert made.body.get("status", {}).get("replicas") != 7


async def test_apply_needs_a_manager_and_a_clean_body(api) -> None:
    nameless = await api.call("PATCH", "configmaps/a", config_map(), form="application/apply-patch+yaml")
    assert nameless.code == 422
    made = await api.apply("configmaps/a", config_map(x="1"))
    assert (await api.apply("configmaps/a", made.body)).code == 400  # managedFields must not be sent
    assert (await api.apply("configmaps/b", config_map())).code == 400  # another name in the body
    forced = await api.merge("configmaps/a", {"data": {}}, force="true")
    assert forced.code == 422


async def test_apply_with_an_old_version_is_a_conflict(api) -> None:
    first = await api.apply("configmaps/a", config_map(x="1"))
    await api.apply("configmaps/a", config_map(x="2"))
    body = config_map(x="3")
    body["metadata"]["resourceVersion"] = first.version
    late = await api.apply("configmaps/a", body)
    assert (late.code, late.body["reason"]) == (409, "Conflict")


async def test_ownership_can_be_forgotten(api) -> None:
    await api.apply("configmaps/a", config_map(x="1"), "one")
    cleared = await api.merge("configmaps/a", {"metadata": {"managedFields": [{}]}})
    assert cleared.code == 200
    assert cleared.manager("one") is None
    refused = await api.apply("configmaps/a", config_map(x="2"), "two")
    assert (refused.code, refused.fields()) == (409, {".data.x"})
    assert 'conflict with "before-first-apply"' in refused.body["message"]
    assert (await api.apply("configmaps/a", config_map(x="2"), "two", force=True)).body["data"] == {"x": "2"}


async def test_a_changed_spec_counts_as_a_generation(api) -> None:
    first = await api.apply(WEB, deployment(replicas=0))
    assert first.body["metadata"]["generation"] == 1
    second = await api.apply(WEB, deployment(replicas=0, paused=True))
    assert second.body["metadata"]["generation"] == 2
    labelled = deployment(replicas=0, paused=True)
    labelled["metadata"]["labels"] = {"a": "b"}
    assert (await api.apply(WEB, labelled)).body["metadata"]["generation"] == 2
