"""Follow many metrics.jsonl files, reading only new bytes."""
