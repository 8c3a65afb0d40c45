"""Whether an update would be accepted, whole, asked of the API server in a dry run: nothing is written.

Objects are applied in turn, so an update that is refused half way would leave a lease that is neither as it was nor as
it was asked. What only shows when it is done (a volume that cannot grow, a quota, a webhook that takes no dry runs) is
left to that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provider.cluster.api.kube import Kube, WrongFields
from provider.cluster.objects.replace import replaceable
from provider.errors import Conflict, NotFound, Refused, Retry

_NO_DRY_RUN = "does not support dry run"
"""The API server's own words, for a webhook with side effects."""


async def rehearse(kube: Kube, objects: Iterable[Mapping[str, Any]]) -> None:
    """Raises the Refused of the first that would be; Retry when somebody wrote at the same time."""
    for obj in objects:
        try:
            await kube.apply(obj, dry_run=True)
        except WrongFields as no:
            await replaceable(kube, obj, no)
        except NotFound:  # its namespace has gone: it is made anew
            return
        except Conflict as same_time:
            raise Retry(str(same_time)) from same_time
        except Refused as no:
            if _NO_DRY_RUN not in str(no):
                raise
