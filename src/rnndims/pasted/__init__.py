"""Reading pasted code without running it: the parts behind ``parse_constructor``."""
