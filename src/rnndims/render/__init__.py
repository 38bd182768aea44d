"""Internal: from results to text and JSON. Glyphs and colours are only here, and no arithmetic is.

The public names are the results of ``rnndims.dims``, ``rnndims.run`` and so on.
"""
