"""Everything that touches the world: chain, cluster, gateway, ledger and the command line. Read daemon.py first."""
