"""A lease as Kubernetes objects: plain dicts, in the order in which they are to be applied.

Everything is shut before anything runs: the namespace, its policies, then service by service what it needs, itself,
and how it is reached; routes from outside come last, when there is something behind them. What is rendered is the
whole truth about a lease: an object of its namespace that `names.SELECTOR` finds and that is not in the list is left
over and can go.
"""

from manifests.render.admissible import check_admissible as check_admissible
from manifests.render.lease import render as render
from manifests.render.routes import ingress_hosts as ingress_hosts
