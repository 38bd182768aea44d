"""Internal: explanations where errors are shown: in a program (``explain``), in IPython and notebooks, in tests.

Nothing here runs before something fails, and nothing here may fail itself.
"""
