"""Runs one graph in this process and yields its events; knows no notebook, strategy or store."""
