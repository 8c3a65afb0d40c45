"""A real Kubernetes on one machine, without Docker: built from Go modules once, up in seconds, gone without a trace.

    python -m e2e.cluster up --nodes kubelet      # or kwok:100, or none
    python -m e2e.cluster status
    python -m e2e.cluster down

    with Cluster(nodes="kubelet") as cluster:     # in a test
        cluster.kubectl("get", "nodes")

    addons.add(cluster, "dns", "ingress")       # what a cluster has only when asked

`require(nodes)` says why it cannot run on this machine, or None. A simulated node (kwok) reports its pods as running
without running them; a `kubelet` node runs them, in namespaces of its own, so that killing one process takes the
whole node away.
"""

from e2e.cluster.cluster import Cluster, ClusterError, clusters, require

__all__ = ["Cluster", "ClusterError", "clusters", "require"]
