"""A wrong input: number of dims, dtype, features."""

from ..config import RNNConfig
from ..shapes import Shape
from .problem import Observed, Problem


def input_ndim(config: RNNConfig, shape: Shape) -> Problem:
    """An input that is neither 3-D nor 2-D."""
    name = config.cell.upper()
    tail = " tensor" if config.cell == "rnn" else ""
    if len(shape) > 3:
        fix = "x = x.flatten(2)  # (N, L, everything else), where H_in is the product of the rest; or choose one time axis"
    elif len(shape) == 1 and shape[0] == config.input_size:
        fix = "x = x.unsqueeze(0)  # one step of one sequence: (L=1, H_in)"
    else:
        fix = "x = x.view(-1, 1)  # (L, H_in=1): one sequence of numbers" if len(shape) == 1 else "x = x.unsqueeze(0)"
    layout = "(N, L, H_in)" if config.batch_first else "(L, N, H_in)"
    return Problem(
        "input",
        None,
        None,
        shape,
        "input_ndim",
        f"input is {len(shape)}-D, nn.{name} takes {layout} or, for one sequence, (L, H_in) "
        f'(torch: "{name}: Expected input to be 2D or 3D, got {len(shape)}D{tail} instead")',
        fix,
    )


def dtype_problems(seen: Observed) -> list[Problem]:
    """Input and weights of two dtypes."""
    got, want = seen.input_dtype, seen.weight_dtype
    if got is None or got == want:
        return []
    return [
        Problem(
            "input",
            None,
            want,
            got,
            "dtype_mismatch",
            f"input is {got}, the weights are {want} "
            f'(torch: "RNN input dtype (torch.{got}) does not match weight dtype (torch.{want})")',
            f"x = x.to(torch.{want})" + (f"  # or model = model.to(torch.{got})" if "float" in got else ""),
        )
    ]


def feature_problems(config: RNNConfig, shape: Shape | None) -> list[Problem]:
    """A last dim of input that is not ``input_size``."""
    if shape is None or shape[-1] == config.input_size:
        return []
    want, got, last = config.input_size, shape[-1], len(shape) - 1
    expected = (*shape[:-1], want)
    torch = f'(torch: "input.size(-1) must be equal to input_size. Expected {want}, got {got}")'
    elsewhere = [dim for dim in range(last) if shape[dim] == want]
    if elsewhere:
        why = f"{want} is dim {elsewhere[0]} of input"
        fix = f"x = x.transpose({elsewhere[0]}, {last})  # features last"
    else:
        why = f"input has {got} features a step"
        fix = f"nn.{config.class_name}({got}, {config.hidden_size}, ...)  # or make the features of x {want}"
        if want == 1:
            fix = f"x = x.unsqueeze(-1)  # one number a step; or nn.{config.class_name}({got}, {config.hidden_size}, ...)"
    main = Problem(
        "input",
        last,
        expected,
        shape,
        "input_feature_mismatch",
        f"last dim of input is {got}, input_size is {want}: {why} {torch}",
        fix,
    )
    if len(shape) == 2:
        batch = "(N, L)" if want == 1 else "(N, L) or (N, H_in)"
        return [
            main,
            Problem(
                "input",
                None,
                None,
                shape,
                "unbatched_2d_vs_3d",
                f"2-D input {shape} is taken as one sequence (L, H_in), not as a batch {batch} {torch}",
                "x = x.unsqueeze(-1)  # if it is (N, L) with one number a step and batch_first=True",
            ),
        ]
    return [main]
