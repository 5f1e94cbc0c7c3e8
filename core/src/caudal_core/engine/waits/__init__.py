"""What an execution waits for: a person, a moment, another attempt; meanwhile it leaves memory."""
