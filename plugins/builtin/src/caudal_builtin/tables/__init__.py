"""Tables in files: what a file is, how it is written, and its cells as values."""
