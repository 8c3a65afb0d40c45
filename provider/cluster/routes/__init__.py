"""Who has which host name and which address, and what may stand in front of a lease because of it."""
