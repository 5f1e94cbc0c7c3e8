"""What had not ended when a server stopped is read back, and goes on or is given up."""
