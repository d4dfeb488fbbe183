"""Brings a model family to this machine: from a folder, a web server, or a bucket."""
