"""Training scripts as people have them; tests ask them for help and run them."""
