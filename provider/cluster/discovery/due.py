"""What has to be applied so that a Node says what was found, told from the Node as it is. Pure.

Kubernetes keeps who holds which label (managedFields), so ours are known without a memory of our own. The subtle rule:
a label that anybody else holds is theirs, whatever it says, even where it is one of ours by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provider.cluster.api.writers import label_holders

MANAGER = "akp-discover"


def due(node: Mapping[str, Any], found: Mapping[str, str]) -> dict[str, Any] | None:
    """The object to apply as MANAGER; None when nothing has to change. Labels that are no longer found are left out of
    it, and go by that; with none left nothing is held any more. The uid is named so that a node that went away is not
    made anew."""
    metadata = node["metadata"]
    has, (ours, theirs) = metadata.get("labels") or {}, label_holders(node, MANAGER)
    labels = {key: value for key, value in found.items() if key not in theirs}
    if labels.keys() == ours - theirs and all(has.get(key) == value for key, value in labels.items()):
        return None
    wanted = {"name": metadata["name"], "uid": metadata["uid"]} | ({"labels": labels} if labels else {})
    return {"apiVersion": "v1", "kind": "Node", "metadata": wanted}
