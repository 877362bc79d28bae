"""The command line: ``nodetool-jupyter run|jobs|status|logs|cancel|result|doctor|config``.

Results and tables go to standard output; progress and errors to standard error. What came from a workflow is
written without anything that a terminal would obey.
"""
