"""Internal: why a program ended: an exception of PyTorch's, explained by the values that its frames still hold.

``exception_chain`` goes through an exception and those that led to it, ``crash`` explains each: a call that an RNN refused, or,
by ``neighbours`` and the files of other subjects, what failed beside one. ``frame_reader`` reads the user's functions from
their source and runs none of it. Without a ``Recorder`` the exception alone has to do.
"""
