"""A note merged into a pod template, as a restart makes it: the applier neither takes it back nor is disturbed."""

from __future__ import annotations

from typing import Any

from provider.cluster.api.marks import RESTARTED

Json = dict[str, Any]
WEB = "apps/deployments/web"
MERGE = "application/merge-patch+json"


def web(image: str = "web:1") -> Json:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": image}]}}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def noted(when: str) -> Json:
    return {"spec": {"template": {"metadata": {"annotations": {RESTARTED: when}}}}}


async def test_a_restart_is_one_new_template_that_later_applies_leave_alone(api) -> None:
    first = await api.apply(WEB, web(), "akash-provider")
    again = await api.call("PATCH", WEB, noted("now"), form=MERGE, fieldManager="akash-provider")
    assert again.code == 200
    assert again.body["metadata"]["generation"] == first.body["metadata"]["generation"] + 1
    same = await api.apply(WEB, web(), "akash-provider")
    assert same.body["metadata"]["generation"] == again.body["metadata"]["generation"], "no second restart"
    new = await api.apply(WEB, web("web:2"), "akash-provider")
    assert new.body["spec"]["template"]["metadata"]["annotations"] == {RESTARTED: "now"}, "and none taken back"
    assert new.manager("akash-provider", "Update") is not None
