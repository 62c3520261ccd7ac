"""Who is named in a fact that no person asked for. It stands in journals, and decides in replay."""

US = "tuiswp"
