"""Which torch is installed, for which CUDA, and which pins go with it."""

import pytest


@pytest.fixture
def chooser(import_script):
    return import_script("tools/choose_torch.py")


@pytest.fixture
def driver(chooser, monkeypatch):
    """A function that gives this machine an NVIDIA driver, or none."""
    monkeypatch.setattr(chooser, "driver_version", lambda: None)
    return lambda version: monkeypatch.setattr(
        chooser, "driver_version", lambda: version
    )


@pytest.mark.parametrize(
    ("torch", "cuda", "chosen"),
    [
        ("2.6.0", "", "2.6.0"),
        ("", "12.4", "2.6.0"),
        ("", "12.4.1", "2.6.0"),
        ("", "12.7", "2.7.1"),
        ("", "12.8", "2.10.0"),
        ("", "13.1", "2.11.0"),
        ("", "12.1", "2.6.0"),  # within CUDA 12 the driver need not be newer
        ("2.6.0", "12.8", "2.6.0"),
    ],
)
def test_the_newest_torch_that_a_cuda_runs_is_chosen(chooser, torch, cuda, chosen):
    assert chooser.by_request(torch, cuda) == chosen


@pytest.mark.parametrize(
    ("torch", "cuda", "said"),
    [
        ("2.11.0", "12.4", "TORCH_VERSION=2.11.0 is not for CUDA=12.4"),
        ("2.8.0", "12.1", "TORCH_VERSION=2.8.0 is not for CUDA=12.1"),
        ("2.5.1", "", "TORCH_VERSION=2.5.1: not one of"),
        ("", "11.8", "CUDA=11.8: none is for it"),
    ],
)
def test_what_does_not_go_together_names_what_does(chooser, torch, cuda, said):
    with pytest.raises(ValueError, match=said) as error:
        chooser.by_request(torch, cuda)
    assert "2.6.0 (CUDA 12.4)" in str(error.value)
    assert "2.11.0 (CUDA 13.0)" in str(error.value)


@pytest.mark.parametrize("cuda", ["12", "cu124", "/usr/local/cuda"])
def test_a_cuda_that_is_no_version_is_an_error(chooser, cuda):
    with pytest.raises(ValueError, match="expected a version such as 12.4"):
        chooser.by_request("", cuda)


@pytest.mark.parametrize(
    ("version", "chosen", "said"),
    [
        (None, "2.11.0", ""),
        (580, "2.11.0", ""),
        (575, "2.10.0", "which wants NVIDIA driver 580; here is 575"),
        (560, "2.7.1", "in place of 2.11.0"),
        (550, "2.6.0", "torch 2.6.0 (CUDA 12.4) in place of 2.11.0"),
        (525, "2.6.0", "here is 525"),
        (470, "2.11.0", "driver 470 is too old"),
    ],
)
def test_an_older_driver_decides_where_nothing_is_asked(
    chooser, driver, version, chosen, said
):
    driver(version)
    torch, line = chooser.choose("", "", "2.11.0", "")
    assert torch == chosen
    assert said in line and bool(said) == bool(line) and "\n" not in line


def test_what_is_asked_for_goes_before_the_driver_and_the_venv(chooser, driver):
    driver(550)
    stamp = f"Python 3.11 /usr\n{chooser.MARK}2.7.1\n"
    assert chooser.choose("2.11.0", "", "2.11.0", stamp)[0] == "2.11.0"
    assert chooser.choose("", "12.8", "2.11.0", stamp)[0] == "2.10.0"


def test_what_the_venv_was_made_with_stays(chooser, driver):
    """`make demo` after `make CUDA=12.4` would install the default anew."""
    driver(None)
    stamp = f"Python 3.11 /usr\n{chooser.MARK}2.6.0\n"
    assert chooser.choose("", "", "2.11.0", stamp) == ("2.6.0", "")


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("echo 535.183.01; echo 535.183.01", 535),
        ("echo NVIDIA-SMI has failed; exit 9", None),
    ],
)
def test_the_driver_is_read_from_nvidia_smi(
    chooser, tmp_path, monkeypatch, script, version
):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert chooser.driver_version() == version


def test_without_nvidia_smi_there_is_no_driver(chooser, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chooser.driver_version() is None


def test_another_torch_leaves_out_only_what_torch_pins_itself(chooser, repo_root):
    before = (repo_root / "tools/constraints.txt").read_text()
    after = chooser.pinned(before, "2.6.0")
    assert "\ntorch==2.6.0 ;" in after and "\ntorchaudio==2.6.0 ;" in after
    names = [{line.split("==")[0] for line in t.splitlines()} for t in (before, after)]
    gone = names[0] - names[1]
    assert {"triton", "sympy", "nvidia-nccl-cu13", "cuda-toolkit"} <= gone
    assert all(n.startswith(("nvidia-", "cuda-")) for n in gone - {"triton", "sympy"})
    assert "\nnumpy==" in after and "\ntorchjd==" in after


def test_the_default_is_one_of_the_table(chooser, repo_root):
    text = (repo_root / "tools/requirements.in").read_text()
    assert any(f"\ntorch=={version}\n" in text for version in chooser.CUDA_OF)
    assert list(chooser.CUDA_OF.values()) == sorted(chooser.CUDA_OF.values())
    assert set(chooser.CUDA_OF.values()) == set(chooser.DRIVER_OF)
