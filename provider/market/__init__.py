"""Orders, leases and money: the book that mirrors the market, and the workers that act on what it shows."""
