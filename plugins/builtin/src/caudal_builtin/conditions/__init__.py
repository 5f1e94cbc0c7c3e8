"""How a condition is asked: operators, terms, and the rule that they make together."""
