"""How two tables become one: keys, matches and columns."""
