"""Everything that decides about an order: fit, price, escrow, usage. Pure: time and height are arguments."""
