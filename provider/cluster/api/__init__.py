"""The API server: the door to it, what is mirrored of it, and the forms its values come in."""
