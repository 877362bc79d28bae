"""The REST interface on the shared store, as an extension of Jupyter Server: ``/nodetool/api/…``.

``extension`` is loaded by the server; handlers are in ``jobs``, ``stream``, ``files`` and ``about``, what
they do off the loop in ``backend``. Every handler is authenticated and authorized, and a user meets no job
but their own. Importing this module imports nothing else.
"""
