"""Expressions over the fields of a record: `[Precio (€/MWh)] * 1.21`.

- **Fields** stand in square brackets, under their names as they are in the data; what stands there
  means what it means between the braces of a template, so paths work too: `[meter.value]`.
- **Literals**: `1.21`, `"text"` or `'text'` (a quote inside is doubled), `true`, `false`, `null`.
- **Operators**, the loosest first: `or`; `and`; `not`; `=` `!=` `<>` `<` `<=` `>` `>=`; `&`, which
  puts texts together; `+` `-`; `*` `/` `%`; the sign; `**`.
- **Functions**: a closed list, `caudal_builtin.expressions.functions.FUNCTIONS`, in any case.

Null: an operation on null gives null, and so does a function given null, but for `&` and `concat`
(null prints as nothing), `=` and `!=` (null equals null alone), `if` (null is not true),
`coalesce` and `isempty`. `and` and `or` give null where it decides.

Numbers: a text counts as a number if it is written as one (`"3.5"`, not `"08001"`). Decimals of
more than 15 digits stay exact, and so do whole numbers beyond 2**53 with `/` and with decimals.
Whole numbers are bounded by 1,000 digits, texts by 1,000,000 characters. Nothing reads a clock, and
nothing but look-up reaches the data.
"""

from caudal_builtin.expressions.compiled import Expression, ExpressionError, compile_expression

__all__ = ["Expression", "ExpressionError", "compile_expression"]
