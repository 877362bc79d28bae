"""Views brought to life: the feed that follows jobs, the live view of ipywidgets, text in a terminal."""
