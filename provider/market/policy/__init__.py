"""Whom and what the operator serves, and whether he serves at all just now."""
