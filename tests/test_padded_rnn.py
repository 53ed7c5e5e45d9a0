"""The padded recurrent network gives exactly what upstream's packed one gives."""

import pytest
import torch

from espnet2.enh.padded_rnn import (
    RNN,
    PaddedRNN,
    reverse_within_lengths,
    use_padded_rnn,
)


def test_each_sequence_is_reversed_within_its_own_length():
    sequences = torch.arange(8.0).view(2, 4, 1)
    result = reverse_within_lengths(sequences, torch.tensor([4, 2]))
    assert result.squeeze(-1).tolist() == [[3, 2, 1, 0], [5, 4, 6, 7]]


@pytest.mark.parametrize("typ", ["blstm", "lstm", "bgru", "gru"])
@pytest.mark.parametrize("layers", [1, 3])
def test_values_and_gradients_equal_the_packed_network(typ, layers):
    packed = RNN(5, layers, 7, 6, dropout=0.0, typ=typ)
    padded = PaddedRNN(packed)
    lengths = torch.tensor([11, 8, 8, 1])
    inputs = torch.randn(4, 11, 5)
    target = torch.randn(4, 11, 6)
    results = []
    for network in (packed, padded):
        packed.zero_grad()
        mine = inputs.clone().requires_grad_()
        output, out_lengths, _ = network(mine, lengths)
        ((output - target) ** 2).sum().backward()
        grads = [p.grad.clone() for p in packed.parameters()]
        results.append([output, mine.grad, *grads])
        assert out_lengths.tolist() == lengths.tolist()
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_padding_cannot_leak_into_an_utterance():
    network = PaddedRNN(RNN(5, 2, 7, 6, dropout=0.0, typ="blstm"))
    lengths = torch.tensor([9, 4])
    inputs = torch.randn(2, 9, 5)
    before = network(inputs, lengths)[0]
    inputs[1, 4:] = 1e3
    after = network(inputs, lengths)[0]
    torch.testing.assert_close(before, after)


def test_dropout_between_layers_acts_in_training_only():
    network = PaddedRNN(RNN(5, 2, 7, 6, dropout=0.5, typ="blstm"))
    inputs, lengths = torch.randn(2, 9, 5), torch.tensor([9, 4])
    assert not torch.equal(network(inputs, lengths)[0], network(inputs, lengths)[0])
    network.eval()
    assert torch.equal(network(inputs, lengths)[0], network(inputs, lengths)[0])


def test_it_takes_the_place_of_every_rnn_and_keeps_parameter_names():
    model = torch.nn.ModuleDict(
        {"rnn": RNN(5, 1, 7, 6, 0.0), "other": torch.nn.Linear(2, 2)}
    )
    names = list(model.state_dict())
    assert use_padded_rnn(model) == ["rnn"]
    assert isinstance(model["rnn"], PaddedRNN)
    assert list(model.state_dict()) == names


def test_streaming_states_go_through_upstreams_code():
    packed = RNN(5, 1, 7, 6, 0.0, typ="lstm")
    padded = PaddedRNN(packed)
    chunk, lengths = torch.randn(1, 4, 5), torch.tensor([4])
    _, _, state = packed(chunk, lengths)
    expected = packed(chunk, lengths, state)[0]
    torch.testing.assert_close(padded(chunk, lengths, state)[0], expected)
