"""The SE network of the Gradient Remedy paper: a BLSTM's mask, of normalised input."""

from collections import OrderedDict

import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch_complex.tensor import ComplexTensor

from espnet2.enh.padded_rnn import run_padded
from espnet2.enh.separator.abs_separator import AbsSeparator


class GlobalMVNBLSTM(AbsSeparator):
    """Masks the noisy spectrum X of one speaker: M X, with a mask from its magnitude.

    M = relu(W dropout(blstm((|X| - mean) / std)) + b), as in ``TFMaskingNet1``, which
    the authors' code for arXiv 2302.11362 imports and their repository DPSL-ASR holds.
    Upstream's ``rnn`` has no normalisation, and a tanh layer between BLSTM and W.

    ``mean`` and ``std`` are of each frequency bin over the training set's noisy frames,
    an assumption: the authors do not describe theirs. The training sets them, see
    ``magnitude_statistics``, and checkpoints hold them; before that they are 0 and 1.

    Args:
        input_dim: number of frequency bins.
        layer: BLSTM layers.
        unit: units of each, in each direction.
        dropout: probability, between the layers and behind the last.
    """

    def __init__(
        self, input_dim: int, layer: int = 3, unit: int = 896, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(input_dim))
        self.register_buffer("std", torch.ones(input_dim))
        self.blstm = torch.nn.LSTM(
            input_dim,
            unit,
            layer,
            batch_first=True,
            dropout=dropout if layer > 1 else 0.0,  # PyTorch warns of others
            bidirectional=True,
        )
        self.dropout = torch.nn.Dropout(dropout)
        self.linear = torch.nn.Linear(2 * unit, input_dim)

    @property
    def num_spk(self) -> int:
        """One speaker."""
        return 1

    def set_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Take the training set's mean and standard deviation, each (bins,)."""
        self.mean.copy_(mean)
        self.std.copy_(std)

    def forward(
        self,
        input: Tensor | ComplexTensor,
        ilens: Tensor,
        additional: dict | None = None,
    ) -> tuple[list[Tensor | ComplexTensor], Tensor, OrderedDict]:
        """Return the masked spectrum, the lengths and the mask.

        Args:
            input: (batch, frames, bins), complex, as long as its longest utterance.
            ilens: (batch,), frames.
            additional: not used.

        Returns:
            A list of one (batch, frames, bins); ``ilens``; ``mask_spk1`` (batch,
            frames, bins), 0 or more, of the real dtype.
        """
        normalised = (abs(input) - self.mean) / self.std
        hidden = self.dropout(self._run_blstm(normalised, ilens))
        mask = torch.relu(self.linear(hidden))
        return [input * mask], ilens, OrderedDict(mask_spk1=mask)

    def _run_blstm(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Return (batch, frames, 2 * units); padded where that is faster: on a CPU."""
        if not inputs.is_cuda:
            return run_padded(self.blstm, inputs, lengths)
        self.blstm.flatten_parameters()
        packed = pack_padded_sequence(inputs, lengths.cpu(), True, False)
        return pad_packed_sequence(self.blstm(packed)[0], batch_first=True)[0]
