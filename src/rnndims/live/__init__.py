"""Internal: the RNNs of a running program: what they are called with, and why a call fails.

``program`` runs a user's program as ``python`` would, ``torch_arrival`` tells when it has imported torch, ``recorder`` sees
each call of a recurrent module from then on, ``crash`` explains an exception by the values in its frames, ``exception_chain``
those that led to it too, ``trace_report`` is what is said of it all, as data. Nothing here imports torch: the program does,
or it has no RNN.
"""
