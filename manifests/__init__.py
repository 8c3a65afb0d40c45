"""The vocabulary, the tenant's manifest, and what it becomes in Kubernetes. Pure: no I/O, no clock, no randomness."""
