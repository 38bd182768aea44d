"""axes: what is surely wrong though it runs, and the idioms about which nothing is said."""

import functools
from typing import get_args

import pytest
from axes_names import evaluated, real_names, shapes

import rnndims
from rnndims.axes.call_results import results_of, usual_names
from rnndims.axes.expressions import follow
from rnndims.axes.inputs_and_targets import guest, order_of_targets, padded_lengths, view_of_input
from rnndims.axes.misuse import misuses
from rnndims.axes.misuse_kinds import MisuseKind
from rnndims.axes.operations import apply
from rnndims.config import DataConfig, RNNConfig

names_of = functools.cache(usual_names)


def followed(text: str, config: RNNConfig, data: DataConfig):
    """An expression that can be followed and runs."""
    found = follow(text, names_of(config, data))
    assert (found.gap, found.refused) == (None, None), text
    return found


def kinds(text: str, config: RNNConfig, data: DataConfig) -> list[str]:
    """The kinds of misuse in an expression, in order; a ``?`` marks what is not certain."""
    found = misuses(followed(text, config, data), config, data)
    return [misuse.kind + ("" if misuse.certain else "?") for misuse in found]


def gru(**arguments) -> RNNConfig:
    return RNNConfig("gru", 10, 20, **arguments)


TWO = gru(num_layers=2)
BOTH = gru(bidirectional=True)
FOUR = gru(num_layers=2, bidirectional=True)
FIRST = gru(batch_first=True)
BOTH_FIRST = gru(bidirectional=True, batch_first=True)
DATA = DataConfig(seq_len=5, batch_size=3)
LENGTHS = DataConfig(lengths=(5, 3, 2))
ALONE = DataConfig(seq_len=5, unbatched=True)

WRONG = [
    # views of the states
    ("h_n.view(3, -1)", FOUR, DATA, "mixed_axes"),
    ("hn.reshape(3, -1)", FOUR, DATA, "mixed_axes"),
    ("h_n.view(N, -1)", FOUR, DATA, "mixed_axes"),
    ("h_n.view(x.size(1), -1)", FOUR, DATA, "mixed_axes"),
    ("h_n.view(-1, 4 * 20)", FOUR, DATA, "mixed_axes"),
    ("h_n.view(2, -1)", FOUR, DataConfig(batch_size=2), "mixed_axes"),
    ("h_n.view(N, -1)", FOUR, DataConfig(batch_size=4), "mixed_axes"),
    ("h_n.view(3, 4, 20)", FOUR, DATA, "mixed_axes"),
    ("h_n.contiguous().view(3, 4, -1)", FOUR, DATA, "mixed_axes"),
    ("h_n.view(2, 3, 3, 20)", gru(num_layers=3, bidirectional=True), DATA, "mixed_axes"),
    ("h_n.view(D, num_layers, N, H)", FOUR, DATA, "mixed_axes"),
    ("h_n.view(-1, 40)", FOUR, DATA, "mixed_axes"),
    ("h_n.view(-1, 40)", FOUR, DataConfig(batch_size=6), "mixed_axes"),
    ("h_n.view(3, -1)", BOTH, DATA, "mixed_axes"),
    ("nn.Linear(60, 5)(h_n.flatten(1))", TWO, DATA, "mixed_axes"),
    # views of the output and the input
    ("output.view(3, -1)", gru(), DATA, "mixed_axes"),
    ("output.view(3, 5, 20)", gru(), DATA, "mixed_axes"),
    ("output.reshape(N, L, -1)", gru(), DATA, "mixed_axes"),
    ("output.reshape(N, L, -1)", gru(), DataConfig(seq_len=4, batch_size=4), "mixed_axes"),
    ("output.view(2, -1)", gru(), DataConfig(seq_len=4, batch_size=2), "mixed_axes"),
    ("output.reshape(5, 3, 20)", FIRST, DATA, "mixed_axes"),
    ("x.view(N, L, 10)", gru(), DATA, "mixed_axes"),
    ("x.reshape(5, 3, 10)", FIRST, DATA, "mixed_axes"),
    ("output.view(5, 3, 20, 2)", BOTH, DATA, "split_directions"),
    ("output.reshape(-1, 20)", BOTH, DATA, "split_directions"),
    ("output.reshape(3, -1, 20)", BOTH_FIRST, DATA, "split_directions"),
    ("nn.Linear(60, 5)(output.flatten(1))", gru(), DATA, "mixed_axes"),
    ("nn.Linear(60, 5)(nn.Flatten()(output))", gru(), DATA, "mixed_axes"),
    # one step of the output
    ("output[-1]", BOTH, DATA, "reverse_half_of_last_step"),
    ("output[:, -1]", BOTH_FIRST, DATA, "reverse_half_of_last_step"),
    ("out[:, -1, :]", BOTH_FIRST, DATA, "reverse_half_of_last_step"),
    ("out[:, L - 1, :]", BOTH_FIRST, DATA, "reverse_half_of_last_step"),
    ("out.select(1, -1)", BOTH_FIRST, DATA, "reverse_half_of_last_step"),
    ("out.transpose(0, 1)[-1]", BOTH_FIRST, DATA, "reverse_half_of_last_step"),
    ("out[:, -1, 20:]", BOTH_FIRST, DATA, "reverse_half_of_last_step"),
    ("out.chunk(2, -1)[1][:, -1]", BOTH_FIRST, DATA, "reverse_half_of_last_step"),
    ("nn.Linear(40, 5)(torch.tanh(out[:, -1]))", BOTH_FIRST, DATA, "reverse_half_of_last_step"),
    ("rnn(x)[0][-1]", BOTH, DATA, "reverse_half_of_last_step"),
    ("output[-1]", BOTH, ALONE, "reverse_half_of_last_step"),
    ("output[0, :, :20]", BOTH, DATA, "forward_half_of_first_step"),
    ("output[-1]", gru(), LENGTHS, "padding_as_last_step"),
    ("output[:, -1]", FIRST, LENGTHS, "padding_as_last_step"),
    ("output[-1, 1]", gru(), LENGTHS, "padding_as_last_step"),
    ("out[torch.arange(N), lengths - 1]", BOTH_FIRST, LENGTHS, "reverse_half_of_last_step"),
    ("output[-1]", FIRST, DATA, "sequence_instead_of_step"),
    ("output[:, -1]", gru(), DATA, "sequence_instead_of_step"),
    ("out[:, -1, :]", gru(), DATA, "sequence_instead_of_step"),
    ("output[:, -1]", gru(), ALONE, "feature_instead_of_step"),
    ("output[:, -1]", BOTH, ALONE, "feature_instead_of_step"),
    # rows of the states
    ("h_n[-1]", BOTH, DATA, "one_direction?"),
    ("h_n[-1]", FOUR, DATA, "one_direction?"),
    ("h_n[-1, :, :]", FOUR, DATA, "one_direction?"),
    ("h_n[0]", BOTH, DATA, "one_direction?"),
    ("hidden[-1]", FOUR, DATA, "one_direction?"),
    ("h_n[-1]", BOTH, ALONE, "one_direction?"),
    ("nn.Linear(20, 5)(h_n[-1])", BOTH, DATA, "one_direction?"),
    ("h_n[0]", TWO, DATA, "other_layer?"),
    ("h_n[0]", FOUR, DATA, "other_layer?"),
    ("h_n[1]", FOUR, DATA, "other_layer?"),
    ("h_n.squeeze(0)[0]", TWO, DATA, "other_layer?"),
    ("h_n[1]", gru(num_layers=3), DATA, "other_layer?"),
    ("h_n[:, -1]", TWO, DATA, "sequence_instead_of_step"),
    # joined rows
    ("torch.cat([h_n[-1], h_n[-1]], dim=1)", BOTH, DATA, "same_row_twice"),
    ("torch.cat((h_n[-1, :, :], h_n[3, :, :]), 1)", FOUR, DATA, "same_row_twice"),
    ("torch.cat([h_n[0], h_n[1]], 1)", FOUR, DATA, "other_layer?"),
    ("torch.stack([h_n[0], h_n[1]])", FOUR, DATA, "other_layer?"),
    ("torch.cat([h_n[0], h_n[-1]], 1)", FOUR, DATA, "rows_of_two_layers"),
    ("torch.cat([h_n[-2], h_n[-1]], 1)", TWO, DATA, "layers_for_directions?"),
    ("torch.cat([h_n[0], h_n[1]], 1)", TWO, DATA, "layers_for_directions?"),
    ("torch.cat([h_n[-2], h_n[-1]])", BOTH, DATA, "directions_in_batch"),
    # over axes
    ("F.softmax(output, dim=0)", FIRST, DATA, "softmax_over_batch"),
    ("F.softmax(nn.Linear(20, 1)(out))", FIRST, DATA, "softmax_over_batch"),
    ("nn.Softmax(dim=0)(nn.Linear(20, 5)(h_n[-1]))", gru(), DATA, "softmax_over_batch"),
    ("torch.softmax(nn.Linear(20, 5)(out[:, -1]), 0)", FIRST, DATA, "softmax_over_batch"),
    ("output.mean(dim=0)", FIRST, DATA, "pooled_over_batch"),
    ("output.mean(1)", gru(), DATA, "pooled_over_batch"),
    ("output.max(dim=0)[0]", FIRST, DATA, "pooled_over_batch"),
    ("h_n.mean(1)", FOUR, DATA, "pooled_over_batch"),
    ("output.mean(dim=1)", FIRST, LENGTHS, "pooled_over_padding"),
    ("output.max(1).values", FIRST, LENGTHS, "pooled_over_padding"),
    ("output.amax(0)", gru(), LENGTHS, "pooled_over_padding"),
    ("torch.softmax(nn.Linear(20, 1)(output).squeeze(-1), dim=1)", FIRST, LENGTHS, "softmax_over_padding"),
    ("out + out.transpose(0, 1)", gru(), DataConfig(seq_len=4, batch_size=4), "axes_meet"),
    ("out[..., :20] * h_n", FOUR, DataConfig(seq_len=4, batch_size=3), "axes_meet"),
]


@pytest.mark.parametrize(("text", "config", "data", "kind"), WRONG)
def test_what_is_surely_wrong_is_named(text, config, data, kind):
    """Each of these is one misuse, of this kind."""
    assert kinds(text, config, data) == [kind]


def test_every_kind_is_in_the_table():
    """No kind of misuse is without an example."""
    seen_in_programs = {  # they need more than one call, or targets: tests/helpers/wrong_programs.py
        "batch_as_steps",
        "layers_for_states",
        "layout_changed",
        "order_of_targets",
        "state_made_anew",
        "state_of_another_batch",
        "states_swapped",
    }
    assert {kind.rstrip("?") for *_, kind in WRONG} == set(get_args(MisuseKind)) - seen_in_programs


LAYOUTS = [
    (RNNConfig(cell, 6, 4, num_layers=layers, bidirectional=both, batch_first=first, proj_size=projected), data)
    for cell, projected in (("gru", 0), ("lstm", 0), ("lstm", 3))
    for layers in ((1, 2, 3) if cell == "gru" else (2,))
    for both in (False, True)
    for first in (False, True)
    for data in (
        DataConfig(seq_len=5, batch_size=3),
        DataConfig(seq_len=4, batch_size=4),
        DataConfig(seq_len=4, batch_size=2),
        DataConfig(seq_len=5, batch_size=1),
        DataConfig(seq_len=1, batch_size=3),
        DataConfig(seq_len=5, unbatched=True),
        DataConfig(lengths=(5, 3, 2)),
        DataConfig(lengths=(4, 4, 4, 4)),
        DataConfig(lengths=(2, 4, 1, 3)),
    )
]

ALWAYS = """
output
h_n
x
torch.cat([h_n[-D:].unbind(0)[0], h_n[-1]], dim=-1) if_two
torch.cat([h_n[-2], h_n[-1]], dim=-1) if_two
torch.cat((hidden[-2, ...], hidden[-1, ...]), dim=-1) if_two
torch.cat([h_n[num_layers * 2 - 2], h_n[num_layers * 2 - 1]], -1) if_two
torch.stack([h_n[-2], h_n[-1]]) if_two
torch.cat([h_n[-1], h_n[-2]], -1) if_two
h_n[-2] + h_n[-1] if_two
(h_n[-2] + h_n[-1]) / 2 if_two
nn.Linear(2 * H, 5)(torch.cat([h_n[-2], h_n[-1]], dim=-1)) if_two
h_n[-1] if_one
h_n[-1:] if_one
nn.Linear(H, 5)(h_n[-1]) if_one
nn.Linear(H, 5)(nn.Dropout(0.5)(torch.relu(h_n[-1]))) if_one
rnn(x)[1] if_whole_plain
h_n.sum(0)
h_n.mean(0)
h_n[-D:]
h_n[:num_layers]
output.reshape(-1, D * H)
output.contiguous().view(-1, D * H)
nn.Linear(D * H, 7)(output)
nn.Linear(D * H, 7)(output.reshape(-1, D * H))
F.log_softmax(nn.Linear(D * H, 7)(output), dim=-1)
F.softmax(output, -1)
output.argmax(-1)
output.max(-1)[1]
output.chunk(2, dim=-1) if_two
output.chunk(2, dim=-1)[0] if_two
output[..., :H]
output[..., :H] + output[..., H:] if_two
output.norm()
output.mean()
output.sum()
output.flatten()
h_n.flatten()
output.detach().cpu()
h_n.shape
x * 2
output * output
output + output.mean(-1, keepdim=True)
"""
BATCHED = """
h_n.transpose(0, 1).reshape(N, -1)
h_n.permute(1, 0, 2).reshape(N, -1)
h_n.permute(1, 0, 2).contiguous().view(N, -1)
h_n.permute(1, 0, 2).flatten(1)
h_n.transpose(0, 1).flatten(start_dim=1)
h_n.transpose(0, 1).contiguous().view(x.size(0 if_first else 1), -1)
h_n.view(num_layers, D, N, H)
h_n.view(num_layers, D, -1, H)
h_n.view(num_layers, D, N, H)[-1]
h_n.view(num_layers, D, N, H)[-1].transpose(0, 1).reshape(N, D * H)
h_n.view(num_layers, D, N, H)[-1, 0]
h_n.view(num_layers, D, N, H)[-1].sum(0)
h_n.view(num_layers, 2, N, H).sum(1) if_two
torch.cat([h_n[0::2], h_n[1::2]], dim=2) if_two
torch.cat((h_n[-2, :, :], h_n[-1, :, :]), dim=1) if_two
torch.cat([h_n[-2], h_n[-1]], 1).unsqueeze(1) if_two
h_n.reshape(-1, H)
h_n.view(num_layers * D * N, H)
h_n.view(-1).view(num_layers * D, N, H)
h_n[:, 0]
h_n.norm(dim=-1)
h_n.flatten(1).norm(dim=1)
h_n.unsqueeze(0).squeeze(0)
"""
FIRST_ONLY = """
output[:, -1] if_one if_even
output[:, -1, :] if_one if_even
output[:, -1:, :] if_one if_even
output[:, L - 1] if_one if_even
output[:, 0]
output[0]
output[:, -1, :H] if_even
nn.Linear(H, 5)(output[:, -1]) if_one if_even
torch.cat([output[:, -1, :H], output[:, 0, H:]], dim=1) if_two if_even
output.mean(dim=1) if_even
output.max(dim=1)[0] if_even
output.max(dim=1).values if_even
output.sum(dim=1)
output.sum(1) / lengths.unsqueeze(1) if_lengths
output.view(N, L, 2, H) if_two
output.reshape(N, output.size(1), 2, H) if_two
output.view(N, -1, 2, H)[:, :, 0] if_two
output.reshape(N, -1)
output.flatten(1)
output.transpose(0, 1)
output.permute(0, 2, 1)
output.transpose(1, 2).flatten(1)
output.unsqueeze(1)
output.mean(dim=(0, 1))
output[torch.arange(N), lengths - 1] if_lengths if_one
output[torch.arange(N), lengths - 1, :H] if_lengths
output[range_n, lengths - 1, :] if_lengths if_one
output.gather(1, (lengths - 1).view(-1, 1, 1).expand(-1, 1, D * H)).squeeze(1) if_lengths if_one
F.softmax(nn.Linear(D * H, 1)(output), dim=1) if_even
(F.softmax(nn.Linear(D * H, 1)(output), dim=1) * output).sum(1) if_even
F.softmax(nn.Linear(D * H, 1)(out).squeeze(-1).masked_fill(torch.arange(out.size(1)) >= lengths[:, None], -1e9), 1) if_lengths
(output * (torch.arange(output.size(1)) < lengths[:, None]).unsqueeze(-1)).sum(1) / lengths[:, None] if_lengths
output.masked_fill((torch.arange(output.size(1)) >= lengths[:, None]).unsqueeze(-1), -1e9).max(1)[0] if_lengths
torch.bmm(F.softmax(torch.bmm(output, output.transpose(1, 2)), dim=-1), output) if_even
torch.einsum('nld,nmd->nlm', output, output)
torch.bmm(output, h_n[-1].unsqueeze(2)).squeeze(2) if_one
"""
STEPS_FIRST = """
output[-1] if_one if_even
output[-1, :, :] if_one if_even
output[-1:] if_one if_even
output[L - 1] if_one if_even
output[0]
output[:, 0]
output[-1, :, :H] if_even
torch.cat([output[-1, :, :H], output[0, :, H:]], dim=1) if_two if_even
output.mean(dim=0) if_even
output.max(0)[0] if_even
output.sum(0)
output.view(-1, N, 2, H) if_two
output.view(L, N, 2, H) if_two
output.view(output.size(0), N, 2, -1).sum(2) if_two
output.transpose(0, 1)
output.permute(1, 0, 2)
output.transpose(0, 1).reshape(N, -1)
output.transpose(0, 1).contiguous().view(N, -1)
output.transpose(0, 1).mean(1) if_even
output.transpose(0, 1)[:, -1] if_one if_even
output.permute(1, 2, 0)
output.permute(1, 2, 0).max(2)[0] if_even
output[lengths - 1, torch.arange(N)] if_lengths if_one
output[lengths - 1, torch.arange(N), :H] if_lengths
F.softmax(nn.Linear(D * H, 1)(output), dim=0) if_even
torch.einsum('lnd,nd->ln', output[..., :H], h_n[-1]) if_two
(output[..., :H] * h_n[-1]).sum(-1)
"""
UNBATCHED = """
output[-1] if_one
output[-1, :H]
output[0]
output.mean(0)
output.max(0)[0]
output.view(L, 2, H) if_two
torch.cat([output[-1, :H], output[0, H:]]) if_two
torch.cat([h_n[-2], h_n[-1]]) if_two
h_n.reshape(-1)
h_n.view(num_layers, D, H)[-1].flatten()
output[:, 0]
"""


def right_uses():
    """Every right idiom in every layout that it is right in."""
    for config, data in LAYOUTS:
        texts = ALWAYS
        if data.unbatched:
            texts += UNBATCHED
        else:
            texts += BATCHED + (FIRST_ONLY if config.batch_first else STEPS_FIRST)
        even = data.lengths is None or min(data.lengths) == max(data.lengths)
        holds = {
            "if_two": config.D == 2,
            "if_one": config.D == 1,
            "if_even": even,
            "if_lengths": data.lengths is not None,
            "if_whole_plain": data.lengths is None,
        }
        for line in filter(None, texts.splitlines()):
            text, *conditions = line.replace("0 if_first else 1", "0" if config.batch_first else "1").split(" if_")
            if all(holds["if_" + condition.strip()] for condition in conditions):
                yield text.replace("range_n", "torch.arange(N)"), config, data


def test_right_idioms_cause_no_word():
    """Nothing, not even what is merely likely, is said about a correct idiom, in any layout, and each of them is followed."""
    count = 0
    for text, config, data in right_uses():
        count += 1
        assert kinds(text, config, data) == [], (text, config, data)
    assert count > 10_000


def fixes():
    """Every fix of the table above, and what it is for: another constructor is for the expression as it is."""
    for text, config, data, _ in WRONG:
        for misuse in misuses(followed(text, config, data), config, data):
            if misuse.fix is not None:
                first, *rest = misuse.fix.splitlines()
                if first.startswith("nn."):
                    yield rest[0] if rest else text, rnndims.parse(first), data
                else:
                    yield misuse.fix, config, data


def test_fixes_are_right():
    """Every fix is an expression that is followed, and nothing is wrong with it."""
    assert len(list(fixes())) > 50
    for fix, config, data in fixes():
        assert kinds(fix, config, data) == [], fix


@pytest.mark.filterwarnings("ignore:LSTM with projections", "ignore:The use of `x.T`", "ignore:Implicit dimension choice")
def test_fixes_and_idioms_run_in_pytorch():
    """Fixes, right idioms and misuses run in PyTorch too, and give the shape that was followed."""
    cases = [case for at, case in enumerate(right_uses()) if at % 23 == 0]
    cases += [(text, config, data) for text, config, data, _ in WRONG] + list(fixes())
    modules = {}
    for text, config, data in cases:
        if (config, data) not in modules:
            modules[config, data] = real_names(config, data)
        real = evaluated(text, modules[config, data])
        value = follow(text, names_of(config, data)).value
        assert shapes(value) == shapes(real), (text, config, data)


def test_messages_are_for_readers():
    """A message is whole sentences without a hole, and there is a way out."""
    for text, config, data, _ in WRONG:
        for misuse in misuses(follow(text, usual_names(config, data)), config, data):
            assert "None" not in misuse.message
            assert "{" not in misuse.message
            assert misuse.message.endswith(".")
            assert misuse.fix or misuse.advice
            assert "'" not in (misuse.fix or "")


@pytest.mark.parametrize("name", ["out", "o", "outputs", "y", "rnn_out", "gru_out", "encoderOutputs", "out2"])
def test_names_and_fixes_are_the_users(name):
    """The fix uses the name that the expression uses; an unknown name is said to be one."""
    config, data = gru(), DATA
    assert follow("features.view(3, -1)", usual_names(config, data)).gap.startswith("features is no known name")
    (misuse,) = misuses(follow(f"{name}.view(3, -1)", usual_names(config, data)), config, data)
    assert misuse.fix == f"{name}.transpose(0, 1).reshape(3, -1)"


def test_a_pair_called_hidden_is_a_pair():
    """With a cell state ``hidden[0]`` is h_n of the pair; ``hidden[-1]`` is the last row of h_n."""
    config = RNNConfig("lstm", 10, 20, num_layers=2)
    names = usual_names(config, DATA)
    assert follow("hidden[0]", names).value == names["h_n"]
    assert follow("hidden[1][-1]", names).value.sources == {"c_n"}
    assert kinds("hidden[0][-1]", config, DATA) == []
    assert kinds("hidden[-1]", config, DATA) == []
    assert kinds("hidden[0][0]", config, DATA) == ["other_layer?"]


def test_nothing_is_said_of_one_step_or_one_sequence():
    """With one step the reverse direction has read all of it, and one sequence cannot be mixed with another."""
    for text in ("output[:, -1]", "output[-1]", "h_n.view(1, -1)", "output.view(1, -1)", "output.mean(0)"):
        config = gru(num_layers=2, bidirectional=True, batch_first=True)
        assert kinds(text, config, DataConfig(seq_len=1, batch_size=1)) == []


def test_a_cell_has_no_steps():
    """The state of a cell class is followed, and nothing is said of it."""
    config = RNNConfig("lstm", 10, 20, is_cell=True)
    for text in ("h[0]", "h_1[-1]", "h_1.view(3, -1)", "c.mean(-1)"):
        assert kinds(text, config, DataConfig(batch_size=3)) == []
    assert "no known name" in follow("output", usual_names(config, DATA)).gap


def test_what_is_not_followed_is_not_judged():
    """What has no rule is named, and its value is unknown, never a wrong one."""
    for text in ("out.sort()", "out.topk(2)", "attention(out)", "out if out else h_n", "[row for row in h_n]", "out[out > 0]"):
        found = follow(text, usual_names(BOTH, DATA))
        assert found.gap
        assert misuses(found, BOTH, DATA) == []


FLAT = [
    # predictions, targets, turned targets, whether it is said
    ((8, 3), (3, 8), False, True),
    ((8, 3), (8, 3), False, False),
    ((8, 3), (3, 8), True, False),
    ((8, 3), (8, 3), True, True),
    ((3, 3), (3, 3), False, False),
    ((3, 3), (3, 3), True, False),
    ((1, 8), (8, 1), False, False),
]


@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize(("steps", "sizes", "turned", "said"), FLAT)
def test_the_order_of_targets_is_known_where_sizes_differ(steps, sizes, turned, said, classes):
    """Flattened predictions and targets are told apart by their sizes alone; with equal sizes nothing is said."""
    length, batch = steps
    output = results_of(gru(), DataConfig(seq_len=length, batch_size=batch))["output"]
    wide = apply("linear", output, 20, 4 if classes else 1)
    predictions = apply("reshape", wide, -1, 4) if classes else apply("flatten", wide)
    targets = guest(0, sizes)
    targets = apply("reshape", apply("t", targets) if turned else targets, -1)
    found = order_of_targets(predictions, targets, classes=classes)
    assert (found is not None) == said


VIEWS = [
    ((8, 12, 10), (12, 8, 10), True),
    ((8, 12, 10), (8, 10, 12), True),
    ((9, 4), (4, 9), True),
    ((8, 8, 10), (8, 8, 10), False),
    ((1, 12, 10), (12, 1, 10), False),
    ((8, 120), (8, 12, 10), False),
    ((96, 10, 1), (8, 12, 10), False),
    ((8, 12, 10), (12, 10, 8), False),
]


@pytest.mark.parametrize(("before", "after", "said"), VIEWS)
def test_a_view_that_exchanges_dims_mixes_rows(before, after, said):
    """Only two neighbouring sizes that have changed places are said to be mixed."""
    assert (view_of_input("rnn", before, after) is not None) == said


PADDED = [
    ("xxx x.. xx.", (3, 1, 2)),
    ("xxx xx.", None),  # one zero at the end may be chance
    ("x.. x.. xx.", None),  # nobody has all steps
    ("... xxx", None),  # nothing but padding
    ("x.x x.. xxx", None),  # padding in the middle
    ("..x xxx", None),  # padding in front
    ("xxx xxx", None),
]


@pytest.mark.parametrize(("rows", "lengths"), PADDED)
def test_padding_is_told_from_chance(rows, lengths):
    """Lengths are known only where padding is a suffix that no chance makes."""
    assert padded_lengths([[char == "." for char in row] for row in rows.split()]) == lengths
