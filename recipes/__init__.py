"""Training scripts a sweep can run; they import `tuiswp.report` and nothing else of ours."""
