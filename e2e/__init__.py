"""Tests against the real thing: a Kubernetes control plane, a node that runs containers, the daemon between."""
