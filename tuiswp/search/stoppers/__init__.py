"""Early stopping: which running trials are hopeless, judged from curves alone."""
