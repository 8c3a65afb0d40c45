"""A small network in one process: chain, cluster, tenant, and the daemon itself. For newcomers, for tests, and for
trying a config."""
