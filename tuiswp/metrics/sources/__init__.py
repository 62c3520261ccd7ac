"""The files in which training scripts leave metrics: one small module a format, one promise."""
