"""The SE modules of ESPnet's recipes, in small, as their SE-only configs name them.

The classes and keys are those of the files in docs/upstream_configs.md.
"""

CONV = {"channel": 6, "kernel_size": 20, "stride": 10}
STFT = {"n_fft": 64, "hop_length": 32}


def criterion(name: str, wrapper: str = "fixed_order", **conf) -> list[dict]:
    both = {"wrapper": wrapper, "wrapper_conf": {"weight": 1.0}}
    return [{"name": name, "conf": conf, **both}]


SI_SNR = criterion("si_snr", eps=1.0e-7)
PIT = criterion("si_snr", "pit")


def module(
    coder: str, conf: dict, separator: str, criterions: list, **separator_conf
) -> dict:
    """The keys of an SE-only config."""
    return {
        **{"encoder": coder, "encoder_conf": conf},
        **{"decoder": coder, "decoder_conf": conf},
        **{"separator": separator, "separator_conf": separator_conf},
        "criterions": criterions,
    }


def beamformer(kind: str, criterions: list) -> dict:
    """A mask-based beamformer: a mask for the speech and one for the noise."""
    net = {"bnet_type": "blstmp", "blayers": 1, "bunits": 4, "bprojs": 4, "badim": 4}
    use = {"use_wpe": False, "use_beamformer": True, "use_noise_mask": True}
    conf = {
        "num_spk": 1,
        "loss_type": "spectrum",
        "beamformer_type": kind,
        **net,
        **use,
    }
    conf |= {"taps": 3, "delay": 3, "ref_channel": 1}
    keys = module("stft", STFT, "wpe_beamformer", criterions, **conf)
    return {**keys, "encoder_conf": {**STFT, "use_builtin_complex": False}}


def fasnet(kind: str, **conf) -> dict:
    sizes = {"enc_dim": 4, "feature_dim": 4, "hidden_dim": 4, "layer": 1}
    lengths = {"segment_size": 8, "win_len": 4, "context_len": 4, "sr": 8000}
    conf = {"num_spk": 1, "fasnet_type": kind, **sizes, **lengths, **conf}
    return module("same", {}, "fasnet", SI_SNR, **conf)


TASNET = {"num_spk": 1, "layer": 2, "stack": 1, "bottleneck_dim": 4, "hidden_dim": 6}
TASNET |= {"kernel": 3, "causal": False, "norm_type": "gLN", "nonlinear": "relu"}
DPRNN = {"num_spk": 1, "layer": 1, "rnn_type": "lstm", "bidirectional": True, "unit": 4}
DPRNN |= {"segment_size": 10, "dropout": 0.1, "nonlinear": "relu"}
BLSTM = {"num_spk": 1, "rnn_type": "blstm", "layer": 1, "unit": 4, "dropout": 0.5}
CRN = {"num_spk": 1, "input_channels": [10, 2, 2], "enc_hid_channels": 2}
CRN |= {"enc_layers": 2, "glstm_groups": 2, "glstm_layers": 2, "ref_channel": 3}
CRN |= {"glstm_bidirectional": True, "glstm_rearrange": False, "mode": "mapping"}
GRID = {"n_srcs": 1, "n_imics": 1, "n_fft": 32, "stride": 16, "window": "hann"}
GRID |= {"n_layers": 1, "lstm_hidden_units": 4, "attn_n_head": 2, "emb_dim": 4}
GRID |= {"attn_approx_qk_dim": 34, "emb_ks": 4, "emb_hs": 1, "activation": "prelu"}
ON_MASKS = {"compute_on_mask": True}
PSM2 = criterion("mse", mask_type="PSM^2", **ON_MASKS)
PSM = criterion("mse", mask_type="PSM", **ON_MASKS)
# name: (channels of the speech, of the reference, the config)
ROWS = {
    "conv_tasnet": (1, 1, module("conv", CONV, "tcn", SI_SNR, **TASNET)),
    "dprnn": (1, 1, module("conv", CONV, "dprnn", SI_SNR, **DPRNN)),
    "blstm": (1, 1, module("stft", STFT, "rnn", PSM, nonlinear="relu", **BLSTM)),
    "dc_crn": (5, 5, module("stft", STFT, "dc_crn", criterion("snr", "pit"), **CRN)),
    "mvdr": (3, 1, beamformer("mvdr_souden", SI_SNR)),
    "mvdr_masks": (3, 3, beamformer("mvdr_souden", PSM2)),
    "wpd": (3, 1, beamformer("wpd_souden", criterion("ci_sdr", filter_length=8))),
    "fasnet": (3, 1, fasnet("fasnet", dropout=0.2)),
    "ifasnet": (3, 1, fasnet("ifasnet")),
    "tfgridnetv2": (1, 1, module("same", {}, "tfgridnetv2", PIT, **GRID)),
}
