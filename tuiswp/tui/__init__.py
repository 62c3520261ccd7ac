"""The terminal interface: draw what the feed read, send requests. The only door to Textual."""
