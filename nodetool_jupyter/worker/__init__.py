"""The far side of a process boundary: a supervisor and its worker. Loads model, engine and nodes alone.

``wire`` and ``folder`` are what both sides agree on; all else runs in the child processes alone.
"""
