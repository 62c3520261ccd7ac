"""The command line: parse, build, hand over. One module a command."""
