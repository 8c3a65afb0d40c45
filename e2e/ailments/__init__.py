"""Pods in trouble on a real kubelet, their statuses recorded as they come: what the daemon's judgement is tested with.

    python -m e2e.ailments [NAME…]      # writes tests/provider/cluster/health/ailments.jsonl

Each kind of trouble is brought about in a namespace of its own (cases.py); a registry that refuses in various ways runs
inside the node. What is kept is what the daemon could read, and nothing of this machine.
"""
