"""Several tenants' leases on the real cluster at the same time, each visited while it runs.

    lived = asyncio.run(live(cluster, work, {"01": Plan(sdl, visit)}))

`visit` is told when the lease is ready and looks at it as tenant and world do (Visit); what it returns stands in
`lived["01"].seen`. A life that went wrong takes no other with it: its trouble is raised by `lived["01"]` alone.
"""

from e2e.lives.live import Lived, Plan, example, live
from e2e.lives.visit import PATIENCE_S, Visit

__all__ = ["PATIENCE_S", "Lived", "Plan", "Visit", "example", "live"]
