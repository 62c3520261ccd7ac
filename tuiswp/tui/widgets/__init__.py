"""Parts of a screen. Each draws what it is given; none reads a file or knows the time."""
