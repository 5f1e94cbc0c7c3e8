"""Records as files: each format a function from records to the pieces of its file."""
