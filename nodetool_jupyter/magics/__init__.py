"""The front end of a notebook: ``%%nodetool`` and ``%nodetool`` parse, delegate to the session and show.

Only ``extension`` is imported when the extension is loaded; the rest comes with the first call.
"""
