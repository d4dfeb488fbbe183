"""Model families that ship with their recipes."""
