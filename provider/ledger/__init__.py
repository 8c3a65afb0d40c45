"""What neither chain nor cluster remembers: the height last processed, usage as spans of heights, money settled,
decisions."""
