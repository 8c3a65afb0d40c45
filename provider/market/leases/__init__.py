"""A lease's life with us, how it fares, and for how long trouble is borne."""
