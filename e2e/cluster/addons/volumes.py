"""Persistent volumes: local-path-provisioner, with directories of the node behind the classes that tenants ask for.

The directories are in the run directory and go with it. A pod of its own makes and removes each, from an image of ours.
"""

from __future__ import annotations

import json

from e2e.cluster import images
from e2e.cluster.addons.ground import Ground, namespace

NAMESPACE, PROVISIONER = "local-path-storage", "rancher.io/local-path"
CLASSES = ("beta1", "beta2", "beta3")
_CONFIG = "local-path-config"
_SETUP = '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n'
_TEARDOWN = '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n'


def start(ground: Ground) -> None:
    ground.cluster.load(images.shell())
    # Whoever was here before may have declared classes that nobody serves; what is behind a class cannot be changed.
    ground.cluster.kubectl("delete", "storageclass", "--ignore-not-found", *CLASSES)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "helper", "namespace": NAMESPACE}}
    ground.apply(namespace(NAMESPACE), account, _scripts(), *(_class(name) for name in CLASSES))
    config = ground.run / "local-path.json"
    place = {"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [str(ground.run / "volumes")]}
    config.write_text(json.dumps({"nodePathMap": [place]}))
    pod = ground.run / "local-path-pod.json"
    container = {"name": "helper", "image": images.SHELL, "imagePullPolicy": "Never"}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    pod.write_text(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "helper"}, "spec": spec}))
    ground.start(
        "local-path-provisioner",
        [
            str(ground.program), "start", f"--kubeconfig={ground.cluster.kubeconfig}", f"--namespace={NAMESPACE}",
            f"--provisioner-name={PROVISIONER}", f"--config={config}", f"--configmap-name={_CONFIG}",
            f"--helper-image={images.SHELL}", f"--helper-pod-file={pod}", "--service-account-name=helper",
        ],
    )  # fmt: skip


def _scripts() -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _CONFIG, "namespace": NAMESPACE},
        "data": {"setup": _SETUP, "teardown": _TEARDOWN},
    }


def _class(name: str) -> dict[str, object]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": PROVISIONER,
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Delete",
    }
