"""How a value crosses a boundary: to a file, another process, a browser. Typed JSON.

``codec`` writes and reads values without loss, by a pickle only where the owner supplies what makes and reads
one, ``preview`` shows them within bounds, ``fields`` and
``convert`` turn NodeTool's typed values into the Python values that nodes work with.
"""
