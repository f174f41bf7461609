"""A model's layers and gradients measured, at initialisation and trained, and the record of both."""
