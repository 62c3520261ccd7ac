"""What tuiswp is measured by: one script a subject, gathered by `python -m benchmarks`."""
