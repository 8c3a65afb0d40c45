"""Which extended resources of a node are GPUs, and whose. Pure.

What a device plugin offers has a name for each kind it can tell apart: `nvidia.com/gpu` for cards, or
`nvidia.com/mig-1g.10gb` for one size of slice; `amd.com/gpu`, or `amd.com/cpx_nps4`; `gpu.intel.com/i915` or `…/xe` by
the driver. A pod asks by that name, so that name is what can be counted.
"""

from __future__ import annotations

import re
from functools import lru_cache

_VENDORS = {
    "nvidia": re.compile(r"nvidia\.com/(gpu|mig-[0-9a-z.+-]+)(\.shared)?"),
    "amd": re.compile(r"amd\.com/(gpu|[sdtqc]px_nps\d)"),
    "intel": re.compile(r"gpu\.intel\.com/(i915|xe)"),
}


@lru_cache(maxsize=1024)
def vendor_of(resource: str) -> str:
    """ "" for what is no GPU we know."""
    return next((vendor for vendor, name in _VENDORS.items() if name.fullmatch(resource)), "")
