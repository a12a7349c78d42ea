"""Pages about one's own account and the people of a municipality."""
