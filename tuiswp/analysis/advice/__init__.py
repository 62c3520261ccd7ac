"""What to tune first, how, and what it will cost. Rules and their sources: docs/advice.md."""
