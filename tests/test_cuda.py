"""What only a GPU can show; skipped where there is none."""

import copy

import pytest
import tiny
import torch
from test_two_gradient_module import in_grad, single_precision, window, wrap

from espnet2.train.gradient_methods import make_method
from espnet2.train.gradient_options import GradientConf
from espnet2.train.gradient_surgery import combine

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no CUDA device on this machine"
)


def on_gpu(batch: dict) -> dict:
    return {k: v.cuda() if torch.is_tensor(v) else v for k, v in batch.items()}


@pytest.mark.parametrize("granularity", ["tensor", "module"])
@pytest.mark.parametrize("accum_grad", [1, 3])
def test_the_gpu_gives_the_cpus_gradients(granularity, accum_grad):
    model = tiny.tiny_model()
    other = copy.deepcopy(model).cuda()
    batches = [tiny.batch(seed=seed) for seed in range(accum_grad)]
    window(wrap(model, accum_grad=accum_grad, granularity=granularity), batches)
    module = wrap(other, accum_grad=accum_grad, granularity=granularity)
    window(module, map(on_gpu, batches))
    for name, grad in in_grad(model).items():
        found = in_grad(other)[name].cpu()
        torch.testing.assert_close(found, grad, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("granularity", ["tensor", "module"])
def test_surgery_never_waits_for_the_gpu(granularity):
    names = [f"enh_model.{index}" for index in range(20)]
    enh, asr = ({n: torch.randn(30, 7, device="cuda") for n in names} for _ in "ab")
    conf = GradientConf(max_stretch="dynamic", granularity=granularity)
    method = make_method("remedy", conf)
    scale = torch.tensor(1024.0, device="cuda")
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        combine(enh, asr, {"enh_model": names}, method, scale)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_mixed_precision_takes_the_decisions_on_unscaled_gradients(dtype):
    results = []
    for scale in (1.0, 2.0**10):
        model = tiny.tiny_model().float().cuda()
        scaler = torch.amp.GradScaler("cuda", init_scale=scale)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        module = wrap(model, scaler=scaler, granularity="module")
        with torch.autocast("cuda", dtype=dtype):
            loss = module(**on_gpu(single_precision(tiny.batch())))["loss"]
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        results.append(torch.cat([g.flatten() for g in in_grad(model).values()]))
    cosine = torch.nn.functional.cosine_similarity(*results, dim=0)
    assert cosine > 0.99
