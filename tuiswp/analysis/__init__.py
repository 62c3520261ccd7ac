"""What the results say: optimum, shape, red flags. The only door to pandas and matplotlib."""
