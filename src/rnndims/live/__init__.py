"""Internal: the RNNs of a running program: what they are called with, and what is wrong there without a message.

``program`` runs a user's program as ``python`` would, ``torch_arrival`` tells when it has imported torch, ``recorder`` sees
each call of a recurrent module from then on, ``follower`` the operations on its results, ``trace_report`` is what is said of it
all, as data. Nothing here imports torch: the program does, or it has no RNN.
"""
