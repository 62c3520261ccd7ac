"""What exists: trials, attempts, events, the sweep. Frozen data; imports only `errors`."""
