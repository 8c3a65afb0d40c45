"""What is made of the statuses that a real kubelet, containerd and kube-scheduler wrote (`python -m e2e.ailments`)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from provider.cluster.health.causes import Cause, cause
from provider.cluster.health.workloads import WorkloadFacts, health
from provider.cluster.inventory.pods import PodFacts, pod_facts

RECORDED = {
    recording["name"]: recording
    for recording in map(json.loads, (Path(__file__).parent / "ailments.jsonl").read_text().splitlines())
}
SEEN_AS = {
    "command-by-path-not-in-image": Cause.BAD_COMMAND,
    "command-is-a-folder": Cause.BAD_COMMAND,
    "command-is-no-program": Cause.CRASH_LOOP,  # that it is none stands only in its log
    "command-not-found-by-the-shell": Cause.BAD_COMMAND,
    "command-not-in-image": Cause.BAD_COMMAND,
    "completed": Cause.COMPLETED,
    "crash-loop": Cause.CRASH_LOOP,
    "ended-by-a-signal": Cause.CRASH_LOOP,
    "folder-not-to-be-made": Cause.RUNTIME,
    "image-denied": Cause.IMAGE_PULL,
    "image-name-invalid": Cause.IMAGE_PULL,
    "image-of-another-processor": Cause.IMAGE_PULL,
    "init-container-fails": Cause.CRASH_LOOP,
    "may-not-be-root": Cause.RUNTIME,
    "mount-over-a-file": Cause.RUNTIME,
    "no-room": Cause.UNSCHEDULABLE,
    "no-such-node": Cause.UNSCHEDULABLE,
    "no-such-tag": Cause.IMAGE_PULL,
    "node-is-another": Cause.ADMISSION,
    "node-is-full": Cause.ADMISSION,
    "out-of-memory": Cause.OUT_OF_MEMORY,
    "out-of-memory-of-a-child": Cause.OUT_OF_MEMORY,
    "over-its-disk": Cause.OVER_LIMIT,
    "over-its-volume": Cause.OVER_LIMIT,
    "registry-broken": Cause.REGISTRY,
    "registry-busy": Cause.REGISTRY,
    "registry-closed": Cause.REGISTRY,
    "registry-not-found": Cause.REGISTRY,
    "setting-of-what-is-not-there": Cause.RUNTIME,
    "told-to-end": Cause.CRASH_LOOP,
    "volume-not-made": Cause.STORAGE,
    "will-not-end": Cause.CRASH_LOOP,
}
SILENT = {"mount-of-a-folder-that-is-none", "mount-of-what-is-not-there", "no-such-runtime-handler"}
"""Only events tell of these; in their statuses they are starting, for ever."""
DELETED = {"told-to-end", "will-not-end"}
WORKLOAD = WorkloadFacts("ns", "web", "web", 1, 1, 1, 0, 0, 1, 1, "")


WITH_A_KEY = {"image-denied"}
"""Refused with a bare 403: its tenant's matter where it was their key that was refused, else it may be our address."""


def pods(name: str) -> list[PodFacts]:
    found = [pod_facts(pod) for pod in RECORDED[name]["pods"]]
    return [replace(pod, keys="tenant") for pod in found] if name in WITH_A_KEY else found


def test_each_recording_is_judged() -> None:
    assert RECORDED.keys() == SEEN_AS.keys() | SILENT


@pytest.mark.parametrize("name", SEEN_AS)
def test_whatever_moment_is_looked_at_the_cause_is_the_same_or_it_is_too_early_to_say(name: str) -> None:
    found = {cause(pod.trouble, pod.detail, pod.died, pod.exit_code, pod.keys) for pod in pods(name)}
    assert found - {Cause.STARTING} == {SEEN_AS[name]}


@pytest.mark.parametrize("name", sorted(SILENT))
def test_of_what_kubernetes_does_not_say_is_told_how_far_it_has_come(name: str) -> None:
    for pod in pods(name):
        service = health([WORKLOAD], [pod])["web"]
        assert (pod.ready, service.cause) == (False, Cause.STARTING)
        assert service.reason.startswith("starting: its volumes or its sandbox are not there yet")


@pytest.mark.parametrize("name", sorted(SEEN_AS.keys() - DELETED))
def test_a_service_is_as_ill_as_its_pod_and_says_so_in_words(name: str) -> None:
    for pod in pods(name):
        if pod.trouble:
            service = health([WORKLOAD], [pod])["web"]
            assert service.cause is SEEN_AS[name]
            assert service.reason.startswith(f"{pod.name}: {pod.trouble}")


@pytest.mark.parametrize("name", sorted(DELETED))
def test_nobody_is_blamed_for_how_a_deleted_pod_ends(name: str) -> None:
    ended = pods(name)[-1]
    assert (ended.going, ended.finished) == (True, True)
    assert health([WORKLOAD], [ended])["web"].cause is Cause.STARTING
