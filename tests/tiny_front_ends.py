"""Whisper, WavLM and HuBERT of a few numbers, made on the spot, never trained.

For tests without the network: ``make`` writes checkpoints in the form of the real ones,
and ``register`` has the package whisper take its tiny one from there.
"""

import hashlib
from pathlib import Path

import torch

CONVOLUTIONS = "[(16,10,5)] + [(16,3,2)] * 4 + [(16,2,2)] * 2"
KINDS = {
    "whisper": "whisper",
    "wavlm": "s3prl",
    "hubert": "s3prl",
    "hf_hubert": "s3prl",
}


def make(folder: Path) -> None:
    """Write all checkpoints."""
    torch.manual_seed(0)
    _make_whisper(folder)
    _make_wavlm(folder)
    _make_hubert(folder)
    _make_hf_hubert(folder)


def frontend_conf(kind: str, folder: Path) -> dict:
    """The options of upstream's front end; dropout is high in all but Whisper."""
    if kind == "whisper":
        return {"fs": 16000, "whisper_model": "tiny", "download_dir": str(folder)}
    upstream = "hf_hubert_custom" if kind == "hf_hubert" else f"{kind}_local"
    path = folder / (kind if kind == "hf_hubert" else f"{kind}.pt")
    inner = {"upstream": upstream, "path_or_url": str(path)}
    return {"fs": 16000, "frontend_conf": inner, "multilayer_feature": True}


def register(folder: Path) -> None:
    """Let ``whisper.load_model("tiny", download_root=folder)`` find ours."""
    import whisper

    content = (folder / "tiny.pt").read_bytes()
    address = f"https://nowhere/{hashlib.sha256(content).hexdigest()}/tiny.pt"
    whisper._MODELS["tiny"] = address
    whisper._ALIGNMENT_HEADS["tiny"] = None


def _make_whisper(folder: Path) -> None:
    from whisper.model import ModelDimensions, Whisper

    sizes = {"n_mels": 80, "n_vocab": 20, "n_audio_ctx": 1500, "n_text_ctx": 20}
    for part in ("audio", "text"):
        sizes |= {f"n_{part}_state": 16, f"n_{part}_head": 2, f"n_{part}_layer": 2}
    model = Whisper(ModelDimensions(**sizes))
    torch.nn.init.normal_(model.decoder.positional_embedding)
    checkpoint = {"dims": sizes, "model_state_dict": model.state_dict()}
    torch.save(checkpoint, folder / "tiny.pt")


def _transformer() -> dict:
    return {
        "encoder_layers": 2,
        "encoder_embed_dim": 16,
        "encoder_ffn_embed_dim": 16,
        "encoder_attention_heads": 2,
        "conv_feature_layers": CONVOLUTIONS,
        "conv_pos": 16,
        "conv_pos_groups": 4,
        "dropout": 0.5,
        "encoder_layerdrop": 0.5,
    }


def _make_wavlm(folder: Path) -> None:
    from s3prl.upstream.wavlm.WavLM import WavLM, WavLMConfig

    relative = {"relative_position_embedding": True, "gru_rel_pos": True}
    config = {**_transformer(), **relative, "normalize": True}
    model = WavLM(WavLMConfig(config))
    torch.save({"cfg": config, "model": model.state_dict()}, folder / "wavlm.pt")


def _make_hubert(folder: Path) -> None:
    from s3prl.upstream.hubert.hubert_model import (
        HubertConfig,
        HubertModel,
        HubertPretrainingConfig,
    )

    config, task = {"label_rate": 50.0, **_transformer()}, {"normalize": False}
    configs = HubertConfig(**config), HubertPretrainingConfig(**task)
    checkpoint = {"task_cfg": task, "model_cfg": config}
    checkpoint["dictionaries_symbols"] = [["a", "b"]]
    model = HubertModel(*configs, checkpoint["dictionaries_symbols"])
    checkpoint["model_weight"] = model.state_dict()
    torch.save(checkpoint, folder / "hubert.pt")


def _make_hf_hubert(folder: Path) -> None:
    from transformers import HubertConfig, HubertModel, Wav2Vec2FeatureExtractor

    config = HubertConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        hidden_dropout=0.5,
        mask_time_prob=0.5,
    )
    HubertModel(config).save_pretrained(folder / "hf_hubert")
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder / "hf_hubert")
