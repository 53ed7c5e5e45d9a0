"""The published SE network: values by hand, a slow twin, padding, sizes."""

import math

import pytest
import torch
from torch_complex.tensor import ComplexTensor

from espnet2.enh.global_mvn_blstm import GlobalMVNBLSTM
from espnet2.tasks.layered_config import read_config

PAPER = "egs2/rats_chA/asr_with_enhancement/conf/train_gradient_remedy_paper.yaml"


def by_hand(forget: float) -> GlobalMVNBLSTM:
    """One bin, one unit each way: c_t = [c_(t-1) +] tanh(x_t), h_t = tanh(c_t).

    Input and output gates are open; the forget gate is so where ``forget`` is large.
    mean 2, std 3; the mask is relu(h forward + 2 h backward + 0.1).
    """
    network = GlobalMVNBLSTM(1, layer=1, unit=1, dropout=0.5).double().eval()
    for name, value in network.blstm.named_parameters():
        value.data.zero_()
        if "weight_ih" in name:
            value.data[2] = 1.0  # gates: input, forget, cell, output
        elif "bias_ih" in name:
            value.data[:] = torch.tensor([100.0, forget, 0.0, 100.0])
    network.linear.weight.data[:] = torch.tensor([[1.0, 2.0]])
    network.linear.bias.data[:] = 0.1
    network.set_statistics(torch.tensor([2.0]), torch.tensor([3.0]))
    return network


# |X| = 5, 0 and 8: x = 1, -2/3 and 2
SPECTRUM = torch.tensor([[[3 + 4j], [0j], [8j]]], dtype=torch.complex128)
A, B, C = math.tanh(1), math.tanh(-2 / 3), math.tanh(2)


def test_without_memory_a_mask_is_relu_of_a_normalised_magnitude_by_hand():
    (masked,), lengths, others = by_hand(-100.0)(SPECTRUM, torch.tensor([3]))
    wanted = [3 * math.tanh(A) + 0.1, 0.0, 3 * math.tanh(C) + 0.1]  # B gives -1.47
    assert 3 * math.tanh(B) + 0.1 < 0
    assert others["mask_spk1"].squeeze().tolist() == pytest.approx(wanted)
    assert lengths.tolist() == [3]
    wanted = [(3 + 4j) * wanted[0], 0, 8j * wanted[2]]
    assert masked.squeeze().tolist() == pytest.approx(wanted)


def test_with_memory_it_looks_both_ways_by_hand():
    mask = by_hand(100.0)(SPECTRUM, torch.tensor([3]))[2]["mask_spk1"]
    forward = [math.tanh(c) for c in (A, A + B, A + B + C)]
    backward = [math.tanh(c) for c in (A + B + C, B + C, C)]
    wanted = [f + 2 * b + 0.1 for f, b in zip(forward, backward, strict=True)]
    assert mask.squeeze().tolist() == pytest.approx(wanted)


def test_a_network_of_zeros_gives_relu_of_its_bias():
    network = GlobalMVNBLSTM(2, layer=3, unit=4).eval()
    for value in network.parameters():
        value.data.zero_()
    network.linear.bias.data[:] = torch.tensor([0.5, -1.0])
    spectrum = torch.randn(1, 5, 2, dtype=torch.cfloat)
    (masked,), _, _ = network(spectrum, torch.tensor([5]))
    torch.testing.assert_close(masked, spectrum * torch.tensor([0.5, 0.0]))


@pytest.fixture
def network() -> GlobalMVNBLSTM:
    network = GlobalMVNBLSTM(5, layer=3, unit=7).eval()
    network.set_statistics(torch.rand(5), torch.rand(5) + 0.5)
    return network


def test_values_and_gradients_are_those_of_torchs_own_lstm(network):
    spectrum = torch.randn(3, 9, 5, dtype=torch.cfloat)
    lengths = torch.tensor([9, 9, 9])
    normalised = (spectrum.abs() - network.mean) / network.std
    twin = torch.relu(network.linear(network.blstm(normalised)[0]))
    found = network(spectrum, lengths)[2]["mask_spk1"]
    torch.testing.assert_close(found, twin)
    grads = [
        torch.autograd.grad(mask.square().sum(), list(network.parameters()))
        for mask in (found, twin)
    ]
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other)


def test_no_utterance_hears_the_batch_that_it_is_in(network):
    """Nor what stands in its padding."""
    spectrum = torch.randn(3, 9, 5, dtype=torch.cfloat)
    lengths = torch.tensor([4, 9, 1])
    before = network(spectrum, lengths)[0][0]
    spectrum[0, 4:] = 1e3
    after = network(spectrum, lengths)[0][0]
    for index, length in enumerate(lengths.tolist()):
        one = spectrum[index : index + 1, :length]
        (alone,), _, _ = network(one, lengths[index : index + 1])
        torch.testing.assert_close(before[index, :length], alone[0])
        torch.testing.assert_close(after[index, :length], alone[0])


def test_the_other_complex_tensors_give_the_same(network):
    spectrum = torch.randn(1, 6, 5, dtype=torch.cfloat)
    pair = ComplexTensor(spectrum.real, spectrum.imag)
    (expected,), (found,) = (network(s, torch.tensor([6]))[0] for s in (spectrum, pair))
    torch.testing.assert_close(torch.complex(found.real, found.imag), expected)


def test_dropout_acts_behind_the_last_layer_and_in_training_only():
    network = GlobalMVNBLSTM(5, layer=1, unit=7)
    spectrum, lengths = torch.randn(1, 6, 5, dtype=torch.cfloat), torch.tensor([6])
    assert not network(spectrum, lengths)[0][0].equal(network(spectrum, lengths)[0][0])
    network.eval()
    assert network(spectrum, lengths)[0][0].equal(network(spectrum, lengths)[0][0])


def test_statistics_are_saved_and_never_trained(network):
    assert {"mean", "std"} == {name for name, _ in network.named_buffers()}
    other = GlobalMVNBLSTM(5, layer=3, unit=7)
    other.load_state_dict(network.state_dict())
    assert other.mean.equal(network.mean) and other.std.equal(network.std)
    assert other.num_spk == 1


def has_half_lstm() -> bool:
    """Whether PyTorch has an LSTM in bfloat16 for this CPU: it wants AVX-512."""
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            torch.nn.LSTM(1, 1)(torch.zeros(1, 1, 1))
    except RuntimeError:
        return False
    return True


@pytest.mark.skipif(not has_half_lstm(), reason="no LSTM in bfloat16 on this CPU")
def test_in_mixed_precision_the_magnitude_stays_single():
    """Near 2000 bfloat16 knows multiples of 8 only: all of this would be 2000."""
    network = by_hand(-100.0).float()
    network.set_statistics(torch.tensor([2000.0]), torch.tensor([1.0]))
    spectrum = torch.tensor([[[2001 + 0j], [2002j], [-1999.9 + 0j]]])
    wanted = [3 * math.tanh(math.tanh(x)) + 0.1 for x in (1, 2, -0.1)]
    wanted[2] = 0.0
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (masked,), _, others = network(spectrum, torch.tensor([3]))
    assert masked.dtype == torch.cfloat
    found = others["mask_spk1"].squeeze().tolist()
    assert found == pytest.approx(wanted, abs=0.03)


def test_the_papers_config_has_the_published_sizes(repo_root):
    config = read_config(repo_root / PAPER)
    bins = config["enh_encoder_conf"]["n_fft"] // 2 + 1
    with torch.device("meta"):
        network = GlobalMVNBLSTM(bins, **config["enh_separator_conf"])
    shapes = [tuple(value.shape) for value in network.parameters()]
    # four gates of 896 units; 257 bins, then both directions of the layer below
    of_a_layer = [[(3584, size), (3584, 896), (3584,), (3584,)] for size in (257, 1792)]
    layers = [2 * of_a_layer[0], 2 * of_a_layer[1], 2 * of_a_layer[1]]
    assert shapes == [*sum(layers, []), (257, 1792), (257,)]
    assert sum(value.numel() for value in network.parameters()) == 47_303_681
    assert network.blstm.dropout == network.dropout.p == 0.5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_gpus_packed_batch_gives_what_the_cpus_padded_one_gives(network):
    spectrum, lengths = (
        torch.randn(3, 9, 5, dtype=torch.cfloat),
        torch.tensor([4, 9, 1]),
    )
    expected = network(spectrum, lengths)[0][0]
    found = network.cuda()(spectrum.cuda(), lengths.cuda())[0][0].cpu()
    for index, length in enumerate(lengths.tolist()):
        one, other = found[index, :length], expected[index, :length]
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
