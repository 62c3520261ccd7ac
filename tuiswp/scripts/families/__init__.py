"""The libraries with which scripts read their options: one small module each, one promise."""
