"""Which SE loss a configuration asks for."""

STFT = "stft"


def choose_enh_loss(enh_loss: str | None, encoder: str) -> str:
    """Return ``enh_loss`` or, if it is None, the one that goes with the encoder.

    The magnitude loss compares with the encoder's output for the clean speech. A
    learned encoder would make both vanish; one that passes samples on has no spectrum.

    Args:
        enh_loss: one of ``ENH_LOSSES`` or None.
        encoder: upstream's name of the SE module's encoder.

    Raises:
        ValueError: "magnitude" with an encoder that is no STFT.
    """
    if encoder == STFT:
        return enh_loss or "magnitude"
    if enh_loss == "magnitude":
        raise ValueError(
            f"enh_loss: magnitude: wants enh_encoder: {STFT}, not {encoder}, whose "
            "output is no spectrum; write enh_loss: criterions"
        )
    return "criterions"


def describe_enh_loss(enh_loss: str, criterions: list[dict]) -> str:
    """Return the SE loss in words, with the weights of several criterions."""
    if enh_loss == "magnitude":
        return "magnitude (squared error of magnitude spectra)"
    names = [
        f"{c['name']} x {weight:g}" if (weight := _weight(c)) != 1 else c["name"]
        for c in criterions
    ]
    return f"criterions ({', '.join(names)})"


def _weight(criterion: dict) -> float:
    return criterion.get("wrapper_conf", {}).get("weight", 1)
