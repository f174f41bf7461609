"""Two versions' stories before a judge: what is asked, of whom, and what the answers mean."""
