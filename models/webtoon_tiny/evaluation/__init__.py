"""Measures of the whole family, each taken with the services' own engines."""
