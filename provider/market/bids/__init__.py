"""From an order to a bid and to what became of it; what we bid with, and what was decided."""
