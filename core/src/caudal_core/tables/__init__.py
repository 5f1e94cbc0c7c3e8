"""Records in columns: an Arrow table of few types, and the ways into it and out of it.

`pyarrow` is imported by what needs it alone: a process that never sees a table never loads it.
"""
