"""What is old is let go of, and room is kept on the disk."""
