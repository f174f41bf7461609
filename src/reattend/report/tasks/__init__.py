"""The layout `tasks`: the same variants on several tasks, each task in a column of its own."""
