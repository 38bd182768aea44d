"""Internal: the command line, thin Typer commands over the library. Programs use the functions of ``rnndims``."""
