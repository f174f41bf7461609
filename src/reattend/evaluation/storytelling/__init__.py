"""Stories of one version: prompts, the writer, what is measured, and the texts on disk."""
