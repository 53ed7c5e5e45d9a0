"""Task: joint SE and ASR training with a chosen gradient method."""

import argparse
import dataclasses
import logging
from collections.abc import Sequence

import torch

from espnet2.enh.espnet_enh_asr_model import ENH_LOSSES, ESPnetEnhASRModel
from espnet2.enh.frozen_front_ends import passing_front_ends
from espnet2.enh.magnitude_statistics import load_statistics, statistics_file
from espnet2.enh.own_separators import add_own_separators
from espnet2.enh.padded_rnn import use_padded_rnn
from espnet2.interruptible.task import InterruptibleTask
from espnet2.tasks.config_keys import check_sub_keys
from espnet2.tasks.enh_loss import choose_enh_loss, describe_enh_loss
from espnet2.tasks.enh_s2t import EnhS2TTask
from espnet2.tasks.gradient_remedy_checks import (
    check_arguments,
    check_config_types,
    config_path,
)
from espnet2.tasks.layered_config import BASE_KEY, read_config
from espnet2.train.gradient_methods import make_method
from espnet2.train.gradient_options import resolve_gradient_conf
from espnet2.train.trainer_gradient_remedy import GradientRemedyTrainer
from espnet2.utils.get_default_kwargs import get_default_kwargs

add_own_separators()


class GradientRemedyTask(InterruptibleTask, EnhS2TTask):
    """Upstream's joint task with our model and trainer.

    Our options are top-level keys, which upstream's commands ignore, so that they read
    the ``config.yaml`` and the checkpoints that this task writes.
    """

    trainer = GradientRemedyTrainer

    @classmethod
    def add_task_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add upstream's options and ours."""
        super().add_task_arguments(parser)
        defaults = get_default_kwargs(ESPnetEnhASRModel)
        parser.add_argument_group("Config files").add_argument(
            f"--{BASE_KEY}",
            help="In a config: the file beside it whose keys hold where it has none",
        )
        group = parser.add_argument_group("Joint loss")
        group.add_argument(
            "--enh_weight",
            type=float,
            default=defaults["enh_weight"],
            help="w in (1 - w) * ASR loss + w * SE loss",
        )
        group.add_argument(
            "--enh_loss",
            choices=ENH_LOSSES,
            help="magnitude: squared error of magnitudes, for an STFT encoder; "
            "criterions: enh_criterions. Default: criterions where enh_criterions are "
            "given or the encoder is no STFT, else magnitude",
        )

    @classmethod
    def build_model(cls, args: argparse.Namespace) -> ESPnetEnhASRModel:
        """Return upstream's joint model with both losses exposed.

        ``args.enh_loss`` is set where it was not, so that ``config.yaml`` has it.

        Whisper and S3PRL front ends are of our classes, which hand gradients on; the
        config names them as upstream does, so that stock ESPnet takes its own.

        Recurrent separators run on padded batches where training is on a CPU: there
        the packed ones are several times slower; the results are the same.

        A separator that normalises its input is given the statistics of stage 10.

        Raises:
            ValueError: ``output_dir`` holds a training with another configuration, the
                SE loss does not go with the encoder, or there are no statistics.
        """
        args.enh_loss = choose_enh_loss(args.enh_loss, args.enh_encoder)
        with passing_front_ends():
            upstream = super().build_model(args)
        if getattr(args, "ngpu", 0) == 0:
            for name in use_padded_rnn(upstream.enh_model):
                logging.info(f"enh_model.{name} runs on padded batches")
        logging.info(
            f"SE loss: {describe_enh_loss(args.enh_loss, args.enh_criterions)}"
        )
        model = ESPnetEnhASRModel(
            upstream.enh_model,
            upstream.s2t_model,
            enh_weight=args.enh_weight,
            enh_loss=args.enh_loss,
            calc_enh_loss=upstream.calc_enh_loss,
            bypass_enh_prob=upstream.bypass_enh_prob,
        )
        if model.normalises and not args.collect_stats:
            path = statistics_file(args.train_shape_file)
            load_statistics(model.enh_model.separator, path)
        return model

    @classmethod
    def main(
        cls,
        args: argparse.Namespace | None = None,
        cmd: Sequence[str] | None = None,
    ) -> None:
        """Check the options, then run upstream's main.

        A wrong option ends the program with exit code 2 and one line that names it.
        """
        if args is None:
            parser = cls.get_parser()
            source = ""
            standard = parser.get_default("enh_criterions")
            parser.set_defaults(enh_criterions=None)  # shows whether any are given
            try:
                path = config_path(cmd)
                if path is not None:
                    source = f"{path}: "
                    config = read_config(path)
                    check_config_types(config, parser)
                    parser.set_defaults(**config)
                args = parser.parse_args(cmd)
                delattr(args, BASE_KEY)
                _note_criterions(args, standard)
                conf = resolve_gradient_conf(args.gradient_conf)
                make_method(args.gradient_method, conf)
                args.gradient_conf = dataclasses.asdict(conf)
                if not args.print_config:
                    check_arguments(args)
                    check_sub_keys(args, cls.class_choices_list)
            except ValueError as error:
                parser.exit(2, f"{parser.prog}: error: {source}{error}\n")
        super().main(args=args)

    @classmethod
    def main_worker(cls, args: argparse.Namespace) -> None:
        """Run upstream's training; on a CPU numbers under 1e-38 count as zero.

        A CPU takes a hundred times as long for them, and a mask that suppresses nearly
        all of the speech, as a strong SE loss may wish at first, makes many.
        """
        if args.ngpu == 0:
            torch.set_flush_denormal(True)
        super().main_worker(args)


def _note_criterions(args: argparse.Namespace, standard: list[dict]) -> None:
    """Choose given criterions as the SE loss, unless one is named; else the standard.

    Upstream's standard criterion, which every config would have, says nothing of what
    its author wants.
    """
    if args.enh_criterions is None:
        args.enh_criterions = standard
    elif args.enh_loss is None:
        args.enh_loss = "criterions"
