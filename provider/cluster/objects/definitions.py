"""Whether the cluster's definitions of our custom resources have all fields that are written.

Older ones, which the reference or an earlier chart has installed, refuse them (kubernetes.md §1.5), and Helm changes no
definition that is there. So samples are asked about in a dry run: by server-side apply, which refuses a field that
is not declared, while a creation would drop it without a word. It needs no right but those the daemon writes with.
"""

from __future__ import annotations

import re

import structlog

from manifests.render.crd.sample import samples
from provider.cluster.api.kinds import kind_of
from provider.cluster.api.kube import Kube, WrongFields
from provider.errors import ConfigError, NotFound, Refused

log = structlog.get_logger()

CURE = "Run kubectl apply --server-side --force-conflicts -f helm/akash-provider/crds/"
_UNDECLARED = re.compile(r"\.(\S+): field not declared in schema")


async def outdated(kube: Kube, manifest_namespace: str) -> list[ConfigError]:
    """What is wrong with each, with the cure. One that is not there is the mirrors' trouble; a "no" of a webhook says
    nothing of them. Retry when the API server does not answer."""
    out = []
    for sample in samples(manifest_namespace):
        kind = kind_of(sample)
        try:
            await kube.apply(sample, dry_run=True)
        except NotFound:
            continue
        except Refused as no:
            if fields := sorted(set(_UNDECLARED.findall(str(no)))):  # told in the order of chance
                what = f"is too old: it lacks {', '.join(fields)}"
            elif isinstance(no, WrongFields):
                what = f"is too old: {no}"
            else:
                log.warning("it cannot be told whether a definition has all fields", definition=str(kind), why=str(no))
                continue
            out.append(ConfigError(f"CustomResourceDefinition {kind}", what, CURE))
    return out
