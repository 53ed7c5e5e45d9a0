"""A recurrent network over the padded batch, equal to upstream's over the packed one.

On a CPU packed sequences are several times slower, since each step of time runs by
itself. Here each direction runs over the whole padded batch; the backward direction
sees every sequence reversed within its own length.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.modules.rnn import RNNBase

from espnet2.enh.one_thread import is_small, on_one_thread
from espnet2.upstream_versions import nets

RNN = nets("pytorch_backend.rnn.encoders").RNN


def reverse_within_lengths(sequences: Tensor, lengths: Tensor) -> Tensor:
    """Return (batch, time, dim) with the first ``lengths[b]`` steps of b reversed.

    Steps past the length stay where they are, so that doing it twice changes nothing.
    """
    time = torch.arange(sequences.shape[1], device=sequences.device)
    lengths = lengths.to(sequences.device).unsqueeze(1)
    index = torch.where(time < lengths, lengths - 1 - time, time)
    return sequences.gather(1, index.unsqueeze(-1).expand_as(sequences))


def run_padded(network: RNNBase, inputs: Tensor, lengths: Tensor) -> Tensor:
    """Return what a recurrent network gives for the packed batch, zeros past the ends.

    Args:
        network: LSTM or GRU with biases and ``batch_first``.
        inputs: (batch, time, input_size).
        lengths: (batch,), in any order; the longest decides the output's time.

    Returns:
        (batch, time, directions * hidden_size).
    """
    hidden = inputs[:, : int(lengths.max())]
    for layer in range(network.num_layers):
        directions = [_direction(network, hidden, layer, "")]
        if network.bidirectional:
            backward = reverse_within_lengths(hidden, lengths)
            backward = _direction(network, backward, layer, "_reverse")
            directions.append(reverse_within_lengths(backward, lengths))
        hidden = torch.cat(directions, dim=-1)
        if layer < network.num_layers - 1:
            hidden = F.dropout(hidden, network.dropout, network.training)
    time = torch.arange(hidden.shape[1], device=hidden.device)
    padding = time >= lengths.to(hidden.device).unsqueeze(1)
    return hidden.masked_fill(padding.unsqueeze(-1), 0.0)


def _direction(network: RNNBase, inputs: Tensor, layer: int, suffix: str) -> Tensor:
    """Return one layer's outputs in one direction, (batch, time, hidden_size)."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    weights = [getattr(network, f"{name}_l{layer}{suffix}") for name in names]
    state = inputs.new_zeros(1, inputs.shape[0], network.hidden_size)
    # has_biases, layers, dropout, training, bidirectional, batch_first
    options = (True, 1, 0.0, network.training, False, True)
    kind, start = torch.gru, state
    if isinstance(network, torch.nn.LSTM):
        kind, start = torch.lstm, (state, state)
    if is_small(inputs, weights[1]):
        return on_one_thread(lambda: kind(inputs, start, weights, *options)[0])
    return kind(inputs, start, weights, *options)[0]


class PaddedRNN(RNN):
    """Upstream's ``RNN``, parameters and names included, computed on padded batches.

    Args:
        rnn: the module to take the place of; its parameters are shared, not copied.
    """

    def __init__(self, rnn: RNN) -> None:
        torch.nn.Module.__init__(self)
        self.nbrnn = rnn.nbrnn
        self.l_last = rnn.l_last
        self.typ = rnn.typ

    def forward(
        self, xs_pad: Tensor, ilens: Tensor, prev_state=None
    ) -> tuple[Tensor, Tensor, object]:
        """Return projected (batch, time, hdim), lengths and no states.

        Args:
            xs_pad: (batch, time, idim).
            ilens: (batch,), in any order; the longest decides the output's time.
            prev_state: states of a stream; given, upstream's own code runs.
        """
        if prev_state is not None:
            return super().forward(xs_pad, ilens, prev_state)
        ilens = torch.as_tensor(ilens)
        hidden = run_padded(self.nbrnn, xs_pad, ilens)
        return torch.tanh(self.l_last(hidden)), ilens, None


def use_padded_rnn(model: torch.nn.Module) -> list[str]:
    """Put a ``PaddedRNN`` in the place of every ``RNN``; return their names."""
    found = [name for name, m in model.named_modules() if type(m) is RNN]
    for name in found:
        parent, _, child = name.rpartition(".")
        owner = model.get_submodule(parent)
        setattr(owner, child, PaddedRNN(getattr(owner, child)))
    return found
