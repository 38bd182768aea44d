"""The kinds of misuse: what runs and is wrong, each with an example."""

from typing import Literal

MisuseKind = Literal[
    "mixed_axes",  # h_n.view(N, -1): a view does not move axes, so sequences, layers or steps get mixed
    "split_directions",  # output.reshape(-1, H_out): two rows of each step
    "reverse_half_of_last_step",  # output[-1] of a bidirectional module: its reverse half has read one step
    "forward_half_of_first_step",  # output[0, :, :H_out]: the forward half has read one step
    "padding_as_last_step",  # output[-1] of a packed batch: shorter sequences have padding there
    "sequence_instead_of_step",  # output[-1] with batch_first: the last sequence, not the last step
    "feature_instead_of_step",  # output[:, -1] unbatched: the last feature of every step
    "one_direction",  # h_n[-1] of a bidirectional module
    "other_layer",  # h_n[0]: a state that is not of the last layer
    "rows_of_two_layers",  # torch.cat([h_n[0], h_n[-1]]): two layers, one direction of each
    "layers_for_directions",  # torch.cat([h_n[-2], h_n[-1]]) of a module with one direction
    "same_row_twice",  # torch.cat([h_n[-1], h_n[-1]])
    "directions_in_batch",  # torch.cat([h_n[-2], h_n[-1]]): dim=0 is the batch
    "softmax_over_batch",  # F.softmax(output, 0) with batch_first
    "pooled_over_batch",  # output.mean(0) with batch_first
    "softmax_over_padding",  # attention over padded steps
    "pooled_over_padding",  # output.mean(1) of a padded batch
    "layout_changed",  # the output of a batch_first module into one without
    "layers_for_states",  # out, (h, c) = gru(x): two rows of h_n, a GRU has no cell state
    "states_swapped",  # out, (c, h) = lstm(x): h_n comes first
    "order_of_targets",  # predictions flattened as (L, N) beside targets flattened as (N, L)
    "batch_as_steps",  # a batch (N, L, H_in) of a DataLoader into a module without batch_first
    "state_of_another_batch",  # a state that goes from one shuffled batch into the next
    "state_made_anew",  # a cell that gets no state, or zeros, at each step
    "axes_meet",  # output * h_n where steps and rows are equally many
]
"""The kinds, as JSON has them."""
