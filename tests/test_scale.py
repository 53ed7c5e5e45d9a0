"""docs/scale.md: its formulas by hand, its tables as printed, its commands that run."""

import math
import sys

import pytest
import torch
import torch.distributed as dist

GPU_TFLOPS, LAUNCH_US = 1.0, 10.0


@pytest.fixture
def scale(import_script):
    return import_script("tests/benchmarks/scale_model.py")


@pytest.fixture
def gpu(scale):
    return scale.GPU(
        tflops=GPU_TFLOPS, tf32_tflops=4.0, gb_per_s=1000.0, operation_us=LAUNCH_US
    )


@pytest.fixture
def four(scale):
    """Four ranks on one machine: 6 steps, no latency but 1 us for each of them."""
    return scale.Fabric("four", 4, 1, 100.0, call_us=0.0, inner_us=1.0)


@pytest.fixture
def parts(scale):
    """100 MB of SE gradients, 300 MB of all; backward passes of 2, 3 and 1 ms."""
    return scale.Parts(
        se_bytes=100_000_000,
        all_bytes=300_000_000,
        rnn_bytes=100_000_000,
        kept_bytes=0,
        forward=(0, 1e9),
        se_backward=(0, 2e9),
        asr_backward=(0, 3e9),
        rnn_backward_flop=1e9,
        surgery={"remedy": (100, 500_000_000)},
    )


def test_a_ring_by_hand(scale):
    """Each of 4 ranks moves 1.5 of the bytes: 100 MB at 100 GB/s in 1.5 ms."""
    one = scale.Fabric("", 4, 1, 100.0, call_us=10.0, inner_us=2.0, outer_us=5.0)
    assert scale.ring_ms(1e8, one) == pytest.approx(1.5 + 0.010 + 6 * 0.002)
    two = one._replace(machines=2)
    assert scale.ring_ms(1e8, two) == pytest.approx(1.5 + 0.010 + 0.008 + 0.010)
    assert scale.ring_ms(1e8, two, calls=3) == pytest.approx(1.5 + 3 * 0.028)
    assert scale.ring_ms(1e8, scale.Fabric("", 1, 1, 0.0)) == 0


def test_a_collective_hides_behind_a_backward_pass_that_is_longer(scale):
    assert scale.exposed_ms(5.0, 3.0) == 2.0
    assert scale.exposed_ms(3.0, 5.0) == 0.0


def test_computing_takes_what_the_slower_of_gpu_and_host_takes(scale, gpu):
    assert scale.busy_ms(100, 2e9, 1e9, gpu) == pytest.approx(2.0 + 1.0)
    assert scale.busy_ms(500, 2e9, 1e9, gpu) == pytest.approx(5.0)


def test_our_step_exposes_the_last_all_reduce_and_what_the_first_has_left(
    scale, parts, gpu, four
):
    """300 MB take 4.5 ms, the SE gradients 1.5 ms, hidden behind 3 ms."""
    once, twice = (scale.our_step(parts, gpu, four, n, "remedy") for n in (1, 2))
    assert once.exposed == twice.exposed == pytest.approx(4.506)
    assert once.compute == pytest.approx(6.0 + 0.5 + 0.8)  # surgery, flat buffers
    assert twice.compute - once.compute == pytest.approx(6.0)
    slow = four._replace(gb_per_s=25.0)
    found = scale.our_step(parts, gpu, slow, 1, "remedy")
    assert found.exposed == pytest.approx(18.006 + (6.006 - 3.0))
    total = scale.our_step(parts, gpu, slow, 1, None)
    assert total == pytest.approx((4.0 + 0.6, 18.006))


def test_stock_ddp_exposes_the_recurrent_layers_at_every_micro_batch(
    scale, parts, gpu, four
):
    """200 MB take 3 ms, 2 of them beside the 2 ms before the recurrent layers."""
    once, fourth = (scale.stock_step(parts, gpu, four, n, 3) for n in (1, 4))
    assert once.exposed == pytest.approx(3.0 + 2 * 0.006 - 2.0 + 1.5 + 0.006)
    assert once.compute == pytest.approx(4.0 + 1.2)
    assert fourth == pytest.approx([4 * value for value in once])


def test_one_gpu_waits_for_nobody(scale, parts, gpu):
    alone = scale.Fabric("", 1, 1, 0.0)
    assert scale.stock_step(parts, gpu, alone, 1, 3) == pytest.approx((4.0, 0.0))
    assert scale.our_step(parts, gpu, alone, 1, "remedy") == pytest.approx((6.5, 0.0))


def test_at_the_threshold_the_all_reduce_is_its_share_of_the_step(scale, four):
    rate = scale.bandwidth_for(0.05, 19.0, 3e8, four)
    waiting = scale.ring_ms(3e8, four._replace(gb_per_s=rate))
    assert waiting / (19.0 + waiting) == pytest.approx(0.05)
    assert math.isinf(scale.bandwidth_for(0.05, 0.1, 3e8, four))


@pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() != "AVX2",
    reason="what a CPU's kernels keep is counted; the page is of one with AVX2",
)
@pytest.mark.slow
@pytest.mark.skipif(
    not torch.__version__.startswith("2.11."), reason="operations differ by version"
)
def test_the_page_has_what_the_script_prints(
    repo_root, import_script, capsys, monkeypatch
):
    monkeypatch.setattr(sys, "argv", ["bench_scale.py"])
    import_script("tests/benchmarks/bench_scale.py").main()
    page = (repo_root / "docs/scale.md").read_text(encoding="utf-8")
    tables = capsys.readouterr().out.strip().split("\n\n")
    assert len(tables) == 4
    for table in tables:
        assert table in page, "run: python tests/benchmarks/bench_scale.py"


@pytest.mark.slow
def test_the_se_backward_pass_is_four_flop_for_each_weight_and_frame(import_script):
    """6 s are 188 frames of 256 samples; all but the biases are multiplied."""
    parts = import_script("tests/benchmarks/scale_parts.py").count_parts()
    by_hand = 4 * (parts.se_bytes / 4) * 188 * 16
    assert parts.se_backward[1] == pytest.approx(by_hand, rel=0.01)


def test_every_step_that_is_timed_over_ranks_gives_all_gradients(import_script):
    ranks = import_script("tests/benchmarks/bench_ranks.py")
    network = ranks.build_network(ranks.mini_config(), 150, torch.device("cpu"))
    batch = ranks.noise_batch(1, 1.0, 150, torch.device("cpu"))
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        cases = ranks.rank_cases(network, batch, 2)
        for title, case in cases.items():
            case.run(case.prepare())
            is_step = not title.startswith("all-reduce")
            given = [p.grad is not None and bool(p.grad.any()) for p in network.shared]
            assert given == [is_step] * len(given), title
            network.model.zero_grad()
    finally:
        dist.destroy_process_group()
    assert list(cases)[:2] == ["stock DDP", "sum"] and len(cases) == 6
