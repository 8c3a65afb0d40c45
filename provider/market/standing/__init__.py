"""How the provider stands on chain: its record, its certificate, its grants, and the rules of the market."""
