"""How a value crosses a boundary: to a file, another process, a browser. Typed JSON, never a pickle.

``codec`` writes and reads values without loss, ``preview`` shows them within bounds, ``fields`` and
``convert`` turn NodeTool's typed values into the Python values that nodes work with.
"""
