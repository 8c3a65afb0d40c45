"""Putting a lease's objects on the cluster, changing them, and taking them off."""
