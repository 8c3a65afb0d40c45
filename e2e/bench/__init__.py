"""What things cost, measured: one file a subject, `python -m e2e.bench SUBJECT`."""
