"""What can be known to be wrong with an SE module before it is built."""

import argparse
import inspect
from collections.abc import Mapping

from espnet2.enh.magnitude_statistics import statistics_file
from espnet2.enh.own_names import GLOBAL_MVN_BLSTM
from espnet2.tasks.config_keys import check_keys
from espnet2.tasks.enh import criterion_choices, loss_wrapper_choices, separator_choices
from espnet2.tasks.enh_loss import STFT, choose_enh_loss

# What upstream's separators call the number of speakers.
SPEAKERS = ("num_spk", "n_srcs", "n_spk")
# Separators that are for SE training alone, and what hinders.
ALONE = {
    "dan": "wants the references as its input",
    "dpcl": "hands on no speech while it trains",
    "svoice": "hands on the speech of every layer",
}
# Keys of upstream's SE model that neither its joint model nor ours heeds.
UNHEEDED = (
    "normalize_variance",
    "normalize_variance_per_ch",
    "always_forward_in_48k",
    "flexible_numspk",
)


def check_se_module(args: argparse.Namespace) -> None:
    """Raise ValueError if a joint training cannot have the SE module of its options.

    Checked are the separator's speakers and statistics, that it hands speech on to the
    recogniser, the SE loss, its criterions and its weight.
    """
    if args.enh_separator in ALONE:
        raise ValueError(
            f"enh_separator: {args.enh_separator}: {ALONE[args.enh_separator]}; "
            "choose another for joint training"
        )
    _check_separator(args.enh_separator, args.enh_separator_conf or {})
    if args.enh_separator == GLOBAL_MVN_BLSTM:
        _check_normalising(args)
    for key in UNHEEDED:
        if args.enh_model_conf.get(key):
            raise ValueError(
                f"enh_model_conf: {key}: {args.enh_model_conf[key]}: does nothing in "
                "joint training; leave it out"
            )
    choose_enh_loss(args.enh_loss, args.enh_encoder)
    for criterion in args.enh_criterions:
        _check_criterion(criterion)
    if not 0 <= args.enh_weight <= 1:
        raise ValueError(f"enh_weight: {args.enh_weight}: expected 0 to 1")


def _check_separator(name: str, conf: Mapping) -> None:
    """Raise ValueError for other than one speaker, masks without speech, or one ear."""
    parameters = inspect.signature(
        separator_choices.get_class(name).__init__
    ).parameters
    for key in (key for key in SPEAKERS if key in parameters):
        speakers = conf.get(key, parameters[key].default)
        if speakers != 1:
            value = "is missing" if speakers is inspect.Parameter.empty else speakers
            raise ValueError(f"enh_separator_conf: {key}: {value}: expected 1")
    if name == "wpe_beamformer":
        loss_type = conf.get("loss_type", parameters["loss_type"].default)
        if str(loss_type).startswith("mask"):
            raise ValueError(
                f"enh_separator_conf: loss_type: {loss_type}: hands on no speech while "
                "it trains; write spectrum"
            )
    if name == "ineube" and conf.get("mic_channels", 1) == 1:
        raise ValueError(
            "enh_separator_conf: mic_channels: 1: ineube is for several; write how many"
        )


def _check_normalising(args: argparse.Namespace) -> None:
    """Raise ValueError if the separator lacks spectra, or statistics of them."""
    if args.enh_encoder != STFT:
        raise ValueError(
            f"enh_separator: {GLOBAL_MVN_BLSTM}: wants enh_encoder: {STFT}, not "
            f"{args.enh_encoder}, whose output is no spectrum"
        )
    if not args.collect_stats:
        statistics_file(args.train_shape_file)  # read where the model is built


def _check_criterion(criterion: Mapping) -> None:
    """Raise ValueError for an entry of ``enh_criterions`` that cannot be built."""
    for key, conf_key, choices in (
        ("name", "conf", criterion_choices),
        ("wrapper", "wrapper_conf", loss_wrapper_choices),
    ):
        chosen = criterion.get(key)
        if chosen not in choices.classes:
            raise ValueError(
                f"enh_criterions: {key}: {chosen}: expected one of "
                f"{', '.join(choices.classes)}"
            )
        if conf_key not in criterion and key == "wrapper":
            raise ValueError(
                f"enh_criterions: {criterion['name']}: write  {conf_key}: {{}}"
            )
        where = f"enh_criterions: {conf_key}"
        conf = criterion.get(conf_key, {})
        check_keys(where, f"{key}: {chosen}", choices.get_class(chosen), conf)
    for key in ("is_noise_loss", "is_dereverb_loss"):
        if criterion.get("conf", {}).get(key):
            raise ValueError(
                f"enh_criterions: {criterion['name']}: {key}: true: joint training has "
                "no reference for it; leave this criterion out"
            )
