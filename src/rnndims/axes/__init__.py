"""Following axes by name: what each axis of a tensor is made of after indexing, reshapes and arithmetic, without torch.

`call_results` names the axes of what a module returns, `expressions` follows code that uses them, `misuse` says what in it runs
and is wrong. `operations` has everything that is followed; a tensor and its axes are in `named_tensor`. The package itself
loads nothing: import from these.
"""
