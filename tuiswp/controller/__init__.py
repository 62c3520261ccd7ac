"""The sweep's life: journal, reducer, placement, loop, requests, client."""
