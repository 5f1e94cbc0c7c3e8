"""One module a subject; each gives its routes by a function `routes`."""
