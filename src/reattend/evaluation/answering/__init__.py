"""Questions about documents: the task that squality and qasper share, its prompts, answers and scores."""
