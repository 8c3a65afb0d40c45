"""Whether the cluster's definitions of our custom resources have all fields that are written.

Older ones, which the reference or an earlier chart has installed, refuse them (kubernetes.md §1.5), and Helm changes no
definition that is there. So samples are asked about in a dry run: by server-side apply, which refuses a field that
is not declared, while a creation would drop it without a word. It needs no right but those the daemon writes with.
A plain sample tells what no lease can do without from what only some manifests have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from manifests.render.crd.sample import plain_samples, samples
from provider.cluster.api.kinds import kind_of
from provider.cluster.api.kube import Kube, Object, WrongFields
from provider.errors import ConfigError, NotFound, Refused

log = structlog.get_logger()

CURE = "Run kubectl apply --server-side --force-conflicts -f helm/akash-provider/crds/"
_UNDECLARED = re.compile(r"\.(\S+): field not declared in schema")


@dataclass(frozen=True, slots=True)
class Old:
    error: ConfigError
    needed: bool
    """no lease can be had without what is lacking"""

    def __str__(self) -> str:
        return str(self.error)


async def outdated(kube: Kube, manifest_namespace: str) -> list[Old]:
    """What is wrong with each, with the cure. One that is not there is the mirrors' trouble; a "no" of a webhook says
    nothing of them. Retry when the API server does not answer."""
    plain = [(sample, await _lacking(kube, sample)) for sample in plain_samples(manifest_namespace)]
    out = [_old(sample, said, needed=True) for sample, said in plain if said]
    told = {sample["kind"]: said for sample, said in plain}
    for sample in samples(manifest_namespace):
        more = [one for one in await _lacking(kube, sample) if one not in told.get(sample["kind"], ())]
        out += [_old(sample, more, needed=False)] if more else []
    return out


async def _lacking(kube: Kube, sample: Object) -> list[str]:
    """The fields, or the API server's own words."""
    try:
        await kube.apply(sample, dry_run=True)
    except NotFound:
        return []
    except Refused as no:
        if fields := sorted(set(_UNDECLARED.findall(str(no)))):  # told in the order of chance
            return fields
        if isinstance(no, WrongFields):
            return [str(no)]
        log.warning("it cannot be told whether a definition has all fields", definition=str(kind_of(sample)),
                    why=str(no))  # fmt: skip
    return []


def _old(sample: Object, said: Iterable[str], *, needed: bool) -> Old:
    what = f"is too old{'' if needed else ' for some manifests'}: it lacks {', '.join(said)}"
    return Old(ConfigError(f"CustomResourceDefinition {kind_of(sample)}", what, CURE), needed)
