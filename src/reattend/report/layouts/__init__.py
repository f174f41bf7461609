"""The layouts that a table can have: one file each, found by its name as any option is."""
