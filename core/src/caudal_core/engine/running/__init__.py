"""Runs the nodes of one execution, and writes down what becomes of them."""
