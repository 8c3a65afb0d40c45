"""What runs on each node where nobody labels cards: it reads which ones lie there and says so on its Node.

A process of its own, with the right to label nodes and no other; the daemon only reads the labels, in the inventory.
"""
