"""What keeps the repository's generated files true."""
