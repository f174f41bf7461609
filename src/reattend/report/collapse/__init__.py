"""The layout `collapse`: three claims of a mechanism side by side, from what trainings measured of themselves."""
