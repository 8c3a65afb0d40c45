"""Does what we promise fit by the reckoning of the real scheduler, and does it refuse what we refuse?

`world.py` fills a cluster with simulated nodes and strangers' pods, `orders.py` makes tenants' orders,
`provisioner.py` makes volumes, `agreement.py` compares. `python -m e2e.scheduling` runs it with other sizes and seeds.
"""
