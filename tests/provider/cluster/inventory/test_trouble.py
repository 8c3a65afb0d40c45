from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.inventory.trouble import Trouble, trouble


def container(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"state": state}]}


@pytest.mark.parametrize(
    ("status", "found"),
    [
        pytest.param({}, Trouble(), id="nothing said"),
        pytest.param(container(waiting={"reason": "ContainerCreating"}), Trouble(), id="it is coming"),
        pytest.param(container(running={}), Trouble(), id="it runs"),
        pytest.param(
            {
                "initContainerStatuses": [{"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}],
                "containerStatuses": [{"state": {"waiting": {"reason": "PodInitializing"}}}],
            },
            Trouble(),
            id="an init container that is done is no trouble",
        ),
        pytest.param(
            {
                "containerStatuses": [
                    {
                        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
                        "lastState": {"terminated": {"exitCode": 2, "reason": "Error", "message": "no config"}},
                    }
                ]
            },
            Trouble("CrashLoopBackOff", "exit code 2 (Error); no config; back-off 10s", "Error", 2),
            id="what it waits for, and what it died of",
        ),
        pytest.param(
            container(terminated={"exitCode": 1}), Trouble("Error", "exit code 1", "Error", 1), id="it has just died"
        ),
        pytest.param(
            {"phase": "Succeeded", **container(terminated={"exitCode": 0})}, Trouble(), id="a pod that is done for good"
        ),
        pytest.param(
            {"phase": "Failed", "reason": "Evicted", "message": "m"}, Trouble("Evicted", "m"), id="the whole pod"
        ),
        pytest.param(
            {
                "phase": "Failed",
                "reason": "Evicted",
                "message": "m",
                **container(terminated={"exitCode": 137, "reason": "Error"}),
            },
            Trouble("Evicted", "m"),
            id="the whole pod, of which its containers died",
        ),
        pytest.param({"phase": "Failed"}, Trouble("Failed"), id="it has failed, and nothing more is said"),
    ],
)
def test_the_most_telling_reason(status: dict[str, Any], found: Trouble) -> None:
    assert trouble(status) == found
