"""What is shown of a job: its events folded into one state, as text, HTML and SVG; no I/O, no widgets."""
