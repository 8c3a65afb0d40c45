"""A stand-in for the Kubernetes API in this process: real objects over real HTTP, no container runs.

Read `embedded.py` for what it offers, `objects.py` for what a write does, `apply.py` for who owns which field,
`controllers.py` for what moves by itself. It knows nothing of the daemon; tests/contract holds it to a real API
server.
"""

from provider.sandbox.cluster.embedded import EmbeddedCluster
from provider.sandbox.cluster.nodes import DEFAULT_NODES, NodeSpec
from provider.sandbox.cluster.status import ApiError

__all__ = ["DEFAULT_NODES", "ApiError", "EmbeddedCluster", "NodeSpec"]
