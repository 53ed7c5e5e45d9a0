"""The commands that make a condition's data and a run, in the condition's folder."""

import os
from pathlib import Path

from study.plan import Condition, Plan, Run

TRAINING, TEST = (11, 11), (12, 15)  # stages
RECOGNISER = "../../recogniser.sh"  # in place of the recipe's run.sh


def data_command(plan: Plan, condition: Condition) -> list[str]:
    """Return the command of stages 1 to 10."""
    return [
        *("./run.sh", "--stage", "1", "--stop_stage", "10"),
        *("--enh_asr_config", _from(condition, plan.base_config)),
        *("--enh_asr_args", plan.common_args),
        *("--local_data_opts", condition.corpus),
        *condition.recipe_words,
    ]


def run_command(plan: Plan, run: Run, stages: tuple[int, int], ngpu: int) -> list[str]:
    """Return the command that trains a run (stage 11), or tests it (12 to 15)."""
    folder = run.experiment
    args = f"{run.args}{_init_param(run)} --seed {run.seed}"
    script, more = [RECOGNISER], []
    if not run.is_asr_alone:
        script, more = ["./run.sh"], ["--cpu_ranks", "1", *run.condition.recipe_words]
    return [
        *(*script, "--stage", str(stages[0]), "--stop_stage", str(stages[1])),
        *("--enh_asr_config", _from(run.condition, plan.base_config)),
        *("--inference_config", _from(run.condition, plan.decode_config)),
        *("--enh_asr_args", args, "--ngpu", str(ngpu)),
        *("--enh_asr_exp", folder),
        *more,
    ]


def _init_param(run: Run) -> str:
    """Return the flags that load what a run begins with."""
    if run.start is None:
        if not run.condition.start_model:
            return ""
        file = _from(run.condition, run.condition.start_model)
        return f" --init_param {file}::s2t_model"
    folder = _from(run.condition, run.start.folder)
    if run.start.is_asr_alone:
        part = "" if run.is_asr_alone else ":s2t_model"
        return f" --init_param {folder}/valid.acc.ave.pth:{part}"
    # If that training began with a recogniser, its model has it, too.
    part = "" if run.start.start else ":enh_model:enh_model"
    return f" --init_param {folder}/valid.loss.ave.pth{part}"


def _from(condition: Condition, path: Path | str) -> str:
    """Return a path as seen from the folder in which the condition's commands run."""
    return os.path.relpath(path, condition.folder)
