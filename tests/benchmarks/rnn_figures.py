"""The separator's recurrent network on padded batches beside the packed one."""

import torch
from measure import Case, interleaved_times
from networks import Network
from torch import Tensor

from espnet2.enh.padded_rnn import RNN, PaddedRNN


def rnn_figures(
    network: Network, batch: dict[str, Tensor], rounds: int
) -> dict[str, float]:
    """Return training times of both networks and how much their outputs differ.

    They have the same weights; their inputs are the magnitude spectra of the batch.
    """
    packed = _packed_twin(network.model.enh_model.separator.rnn)
    padded = PaddedRNN(packed)
    with torch.no_grad():
        spectrum, frames = network.model.enh_model.encoder(
            batch["speech"], batch["speech_lengths"]
        )
        inputs = spectrum.abs()
        difference = packed(inputs, frames)[0] - padded(inputs, frames)[0]

    def case(rnn: RNN) -> Case:
        return Case(
            lambda _: rnn(inputs, frames)[0].square().mean().backward(), rnn.zero_grad
        )

    cases = {"packed": case(packed), "padded": case(padded)}
    times = interleaved_times(cases, rounds, inputs.device).median
    return {
        "packed_rnn_ms": times["packed"],
        "padded_rnn_ms": times["padded"],
        "padded_rnn_speedup": times["packed"] / times["padded"],
        "padded_rnn_max_diff": difference.abs().max().item(),
    }


def _packed_twin(rnn: RNN) -> RNN:
    """Return upstream's network with the sizes and weights of ``rnn``, in training."""
    twin = RNN(
        rnn.nbrnn.input_size,
        rnn.nbrnn.num_layers,
        rnn.nbrnn.hidden_size,
        rnn.l_last.out_features,
        dropout=0.0,
        typ=rnn.typ,
    )
    twin.load_state_dict(rnn.state_dict())
    return twin.to(rnn.l_last.weight.device)
