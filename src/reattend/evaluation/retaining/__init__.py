"""Which entries of a state live how long: the reader that notes it, what is counted, and parts of speech."""
