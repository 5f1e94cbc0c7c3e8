"""Who is told how executions end: workflows, and those who are called at a URL."""
