"""The border: wire messages become dataclasses, and what we ask for becomes wire messages. Nothing above knows the
names of their fields."""
