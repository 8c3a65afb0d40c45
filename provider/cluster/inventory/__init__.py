"""What the cluster has, what of it is sold, and what is left: nodes and their pods, cards, volumes, addresses."""
