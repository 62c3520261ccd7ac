"""Samplers that learn from results. Heavy libraries: they run in a process of their own."""
