"""What differs between versions of ESPnet is found in the installed one."""

import argparse
import subprocess
import sys

import pytest

from espnet2.asr.encoder import rnn_encoder, transformer_encoder
from espnet2.enh.batch_checks import TooShortUttError
from espnet2.enh.padded_rnn import RNN
from espnet2.train.trainer_gradient_remedy import check_averaging
from espnet2.upstream_versions import option


def test_our_networks_are_those_that_upstreams_models_are_made_of():
    """From another module of the same name nothing would be replaced or caught."""
    assert RNN is rnn_encoder.RNN
    assert TooShortUttError is transformer_encoder.TooShortUttError


def test_networks_are_found_where_202611_has_them(tmp_path, own_process_env):
    """They were looked for in espnet.nets, which it does not have."""
    nets = tmp_path / "espnet2/legacy/nets"
    nets.mkdir(parents=True)
    for folder in (nets, nets.parent, nets.parent.parent):
        (folder / "__init__.py").touch()
    (nets / "network.py").write_text("PLACE = __name__")
    path = own_process_env["PYTHONPATH"]
    code = "from espnet2.upstream_versions import nets; print(nets('network').PLACE)"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**own_process_env, "PYTHONPATH": f"{path}:{tmp_path}"},
        capture_output=True,
        text=True,
    )
    assert ran.stdout.strip() == "espnet2.legacy.nets.network", ran.stderr


def test_an_option_that_a_version_lacks_is_not_set():
    """202412 has no ddp_comm_hook: each training died of an AttributeError."""
    lacking = argparse.Namespace(sharded_ddp=False)
    assert option(lacking, "ddp_comm_hook") is None
    check_averaging(lacking)


def test_an_option_that_is_set_is_still_refused():
    with pytest.raises(ValueError, match="sharded_ddp: True"):
        check_averaging(argparse.Namespace(sharded_ddp=True))
