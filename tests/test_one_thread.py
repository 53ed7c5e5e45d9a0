"""A small recurrent layer has one thread of the CPU, whatever the rest has.

Two trainings side by side on two cores took five times as long a step as one alone:
two thirds of the meetings of threads were those of the SE network's steps of time.
"""

import pytest
import torch

from espnet2.enh.one_thread import SMALL_STEP, is_small, on_one_thread


@pytest.fixture
def chosen(monkeypatch) -> list[int]:
    """The numbers of threads that are chosen, on a machine with two."""
    chosen, real = [], torch.set_num_threads
    before = torch.get_num_threads()
    real(2)

    def choose(threads: int) -> None:
        chosen.append(threads)
        real(threads)

    monkeypatch.setattr(torch, "set_num_threads", choose)
    yield chosen
    real(before)


def lstm() -> tuple[torch.nn.LSTM, torch.Tensor]:
    return torch.nn.LSTM(5, 6, batch_first=True), torch.randn(3, 7, 5)


def test_forward_and_backward_pass_have_one_thread_and_leave_two(chosen):
    network, inputs = lstm()
    seen = []

    def layer():
        seen.append(torch.get_num_threads())
        return network(inputs)[0]

    outputs = on_one_thread(layer)
    assert seen == [1] and chosen == [1, 2]
    at_layer = []
    node = outputs.grad_fn.next_functions[0][0]
    node.register_hook(lambda *_: at_layer.append(list(chosen)))
    for _ in range(2):  # each of two losses has a backward pass of its own
        outputs.sum().backward(retain_graph=True)
    assert chosen == [1, 2, 1, 2, 1, 2]
    assert at_layer == [[1, 2, 1, 2], [1, 2, 1, 2, 1, 2]]
    assert torch.get_num_threads() == 2


def test_values_and_gradients_are_those_of_the_layer(chosen):
    network, inputs = lstm()
    results = []
    for run in (lambda layer: layer(), on_one_thread):
        network.zero_grad()
        outputs = run(lambda: network(inputs)[0])
        outputs.square().sum().backward()
        results.append([outputs, *(p.grad.clone() for p in network.parameters())])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


def test_a_layer_that_fails_leaves_two_threads(chosen):
    def layer():
        raise ValueError("an input that does not fit")

    with pytest.raises(ValueError, match="does not fit"):
        on_one_thread(layer)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("network", [torch.nn.LSTM, torch.nn.GRU])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_layer_without_a_node_of_its_own_still_trains(chosen, network, dtype):
    layer = network(5, 6, batch_first=True).to(dtype)
    inputs = torch.randn(3, 7, 5, dtype=dtype)
    on_one_thread(lambda: layer(inputs)[0]).sum().backward()
    assert layer.weight_hh_l0.grad.isfinite().all()
    assert torch.get_num_threads() == 2
    with torch.no_grad():
        assert not on_one_thread(lambda: layer(inputs)[0]).requires_grad


def test_the_demos_network_is_small_and_the_authors_is_not():
    demo, authors = torch.empty(512, 128), torch.empty(4 * 896, 896)
    assert is_small(torch.empty(16, 100, 129), demo)
    assert not is_small(torch.empty(4, 100, 257), authors)
    assert not is_small(torch.empty(16, 100, 129, device="meta"), demo)
    assert is_small(torch.empty(1, 1, 1), torch.empty(SMALL_STEP - 1, 1))
    assert not is_small(torch.empty(1, 1, 1), torch.empty(SMALL_STEP, 1))
