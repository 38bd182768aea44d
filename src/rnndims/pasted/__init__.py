"""Internal: parse pasted code without running it. ``rnndims.parse`` is the public name."""
