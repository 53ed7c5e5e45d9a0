"""Joint SE and ASR model that shows both of its losses to the trainer."""

import random

from torch import Tensor

from espnet2.asr.espnet_model import ESPnetASRModel
from espnet2.enh.batch_checks import check_reference, check_speech, naming_too_short
from espnet2.enh.channels import check_labels, one_channel, one_spectrum
from espnet2.enh.espnet_enh_s2t_model import ESPnetEnhS2TModel
from espnet2.enh.espnet_model import ESPnetEnhancementModel
from espnet2.enh.frozen_modules import keep_frozen
from espnet2.enh.global_mvn_blstm import GlobalMVNBLSTM
from espnet2.enh.joint_output import joint_output
from espnet2.enh.magnitude_loss import magnitude_loss
from espnet2.enh.magnitude_statistics import collect_magnitudes

ENH_LOSSES = ("magnitude", "criterions")


class ESPnetEnhASRModel(ESPnetEnhS2TModel):
    """Upstream's joint model for one speaker; no parameter is added or renamed.

    loss = (1 - enh_weight) L_ASR + enh_weight L_SE, as in the authors' recipe. A batch
    whose first utterance id ends in CLEAN goes round the SE module, one in REAL through
    it; both have no SE loss, and their loss is (1 - enh_weight) L_ASR. This is
    upstream's rule; batches must not mix the kinds (``utt2category``).

    Args:
        enh_model: upstream's SE model, for one speaker.
        s2t_model: upstream's ASR model.
        enh_weight: weight of the SE loss, 0 to 1.
        enh_loss: "magnitude" (``magnitude_loss`` of the masked spectrum) or
            "criterions" (the weighted sum of ``enh_criterions``).
        calc_enh_loss: whether there is an SE loss at all.
        bypass_enh_prob: probability that a REAL batch goes round the SE module; none
            does where the recogniser is frozen, since that would train nothing.

    Raises:
        ValueError: an option is out of range, or the SE model is not for one speaker.
    """

    def __init__(
        self,
        enh_model: ESPnetEnhancementModel,
        s2t_model: ESPnetASRModel,
        enh_weight: float = 0.3,
        enh_loss: str = "magnitude",
        calc_enh_loss: bool = True,
        bypass_enh_prob: float = 0,
    ) -> None:
        super().__init__(enh_model, s2t_model, calc_enh_loss, bypass_enh_prob)
        if not 0 <= enh_weight <= 1:
            raise ValueError(f"enh_weight: {enh_weight}: expected 0 to 1")
        if enh_loss not in ENH_LOSSES:
            raise ValueError(f"enh_loss: {enh_loss!r}: expected one of {ENH_LOSSES}")
        if enh_model.num_spk != 1:
            raise ValueError(
                f"enh_separator_conf: num_spk: {enh_model.num_spk}: expected 1"
            )
        enh_model.ref_channel = max(enh_model.ref_channel, 0)  # -1: left open
        self.enh_weight = enh_weight
        self.enh_loss = enh_loss
        self.normalises = isinstance(enh_model.separator, GlobalMVNBLSTM)
        self.extract_feats_in_collect_stats |= self.normalises  # read by upstream

    def train(self, mode: bool = True) -> "ESPnetEnhASRModel":
        """Put all but frozen modules in training mode; see ``keep_frozen``."""
        super().train(mode)
        if mode:
            keep_frozen(self)
        return self

    def collect_feats(
        self, speech: Tensor, speech_lengths: Tensor, **kwargs
    ) -> dict[str, Tensor]:
        """Return what statistics are made of: ASR features, or noisy magnitudes too."""
        feats = {}
        if self.s2t_model.extract_feats_in_collect_stats:
            feats = super().collect_feats(speech, speech_lengths, **kwargs)
        if self.normalises:
            feats |= collect_magnitudes(self.enh_model, speech, speech_lengths)
        return feats

    def trains_on(self, utt_id: list[str]) -> bool:
        """Tell whether a batch trains a parameter, by its utterances' names."""
        if not utt_id[0].endswith("CLEAN"):
            return True
        return any(p.requires_grad for p in self.s2t_model.parameters())

    def forward(
        self, speech: Tensor, speech_lengths: Tensor, **kwargs
    ) -> dict[str, object]:
        """Return ``loss, loss_enh, loss_asr, stats, weight``.

        Args:
            speech: (batch, samples) or, of several microphones, (batch, samples,
                channels), noisy.
            speech_lengths: (batch,), samples.
            kwargs: ``text_spk1`` (batch, tokens) and ``text_spk1_lengths`` (batch,);
                ``speech_ref1``, clean, where there is an SE loss, (batch, samples),
                or of all channels, of which the separator's ``ref_channel`` counts;
                ``utt_id``, a list of names.

        Returns:
            ``loss_enh`` (None without an SE loss) and ``loss_asr``: (1,), weighted;
            their sum is ``loss``. In ``stats`` both are unweighted, and the SE loss is
            nan where there is none.

        Raises:
            ValueError: the utterances are too short for the encoder, the reference
                is not as long as the noisy speech, which names utterances, or the
                separator is not for so many channels.
        """
        utt_id = list(kwargs.get("utt_id", []))
        kind = utt_id[0] if utt_id else ""
        reference = None
        if self.calc_enh_loss and not kind.endswith(("CLEAN", "REAL")):
            reference = kwargs["speech_ref1"]
        if reference is not None:
            check_reference(reference, speech, utt_id)
        with naming_too_short(utt_id):
            speech, loss_enh = self._enhance(speech, speech_lengths, reference, kind)
            loss_asr, stats, _ = self.s2t_model(
                speech,
                speech_lengths,
                kwargs["text_spk1"],
                kwargs["text_spk1_lengths"],
            )
        return joint_output(loss_enh, loss_asr, self.enh_weight, stats, len(speech))

    def _enhance(
        self, speech: Tensor, lengths: Tensor, reference: Tensor | None, kind: str
    ) -> tuple[Tensor, Tensor | None]:
        """Return the recogniser's input (batch, samples) and the SE loss or None."""
        channel = self.enh_model.ref_channel
        if self._bypasses(kind, reference):
            return one_channel(speech, channel), None
        check_speech(speech, self.enh_model.separator)
        enhanced, mixture, spectra, others = self.enh_model.forward_enhance(
            speech, lengths, {"num_spk": 1}
        )
        heard = one_channel(enhanced[0], channel)
        if reference is None:
            return heard, None
        if self.enh_loss == "criterions":
            check_labels(reference, mixture, self.enh_model.loss_wrappers)
            loss = self.enh_model.forward_loss(
                [heard], lengths, mixture, spectra, others, [reference]
            )[0]
            return heard, loss.squeeze()
        clean, frames = self.enh_model.encoder(one_channel(reference, channel), lengths)
        return heard, magnitude_loss(one_spectrum(spectra[0], channel), clean, frames)

    def _bypasses(self, kind: str, reference: Tensor | None = None) -> bool:
        """Tell, or draw, whether a batch goes round the SE module."""
        if kind.endswith("CLEAN"):
            return True
        if not self.training or reference is not None:
            return False
        return random.random() < self.bypass_enh_prob and self.trains_on(["CLEAN"])
