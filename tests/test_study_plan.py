"""Plans of the study of gradient methods: what defines a run, what it starts from."""

import hashlib
import shlex
from pathlib import Path

import pytest
from study_folder import HARD, PLAN, STUDY

from study.commands import TEST, TRAINING, run_command
from study.plan_file import read_plan

TOY = Path("plans/toy.yaml")


@pytest.mark.parametrize(
    ("plan", "number", "keys"),
    [
        ("methods", 186, "682cbb95d46c061d"),
        ("methods_4000", 54, "bf6d3a6a0a8a1b82"),
        ("methods_8000", 42, "ed9fdeefa04d14ef"),
        ("methods_16000", 24, "a33fae8afef881f4"),
        ("methods_se_first", 36, "ea95b481bda0d0aa"),
        ("methods_scratch", 24, "5ec6d5acf4b6be1f"),
        ("methods_frozen", 36, "16065dbbf7a8fb2c"),
        ("fixed_clean", 78, "68584f31bc56ba85"),
        ("fixed_clean_6000", 21, "f7f9a061530c1c6f"),
        ("fixed_clean_others", 25, "72864ad0253ade8d"),
        ("fixed_voices", 78, "6b7ff68fe0bc738d"),
        ("fixed_rats", 78, "2cbfaf5ffa8c7bec"),
        ("fixed_noisy", 78, "f75a14359ed7722b"),
    ],
)
def test_the_runs_of_the_plans_keep_their_keys(monkeypatch, plan, number, keys):
    """Computed before the plans were moved here: their rows remain valid.

    Another base config, or another flag, is another key; then the rows are no more
    what the plan asks for, and the study makes new ones.
    """
    monkeypatch.chdir(STUDY)
    runs = read_plan(Path(f"plans/{plan}.yaml")).runs
    text = "\n".join("/".join(run.key) for run in runs)
    assert len(runs) == number
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == keys


def test_a_definition_depends_on_what_defines_a_run_alone(toy_study):
    def definitions():
        return {run.label: run.definition for run in read_plan(TOY).runs}

    before = definitions()
    (toy_study.folder / "base.yaml").write_text("# a comment\nbatch_size:  8\n")
    toy_study.write(PLAN.replace("--gradient_method sum", "--gradient_method  sum"))
    assert definitions() == before
    toy_study.write(PLAN.replace("=null", "=dynamic"))
    after = definitions()
    changed = {label for label in before if after[label] != before[label]}
    assert changed == {"easy/remedy/0", "easy/remedy/1"}
    for old, new in (("num_test 3", "num_test 4"), ("max_epoch 2", "max_epoch 3")):
        toy_study.write(PLAN.replace(old, new))
        assert not set(definitions().values()) & set(before.values())
    toy_study.write(PLAN)
    (toy_study.folder / "decode.yaml").write_text("beam_size: 6\n")
    assert not set(definitions().values()) & set(before.values())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("baseline: sum", "baseline: none", "baseline: 'none': is not in methods"),
        ("seeds: [0, 1]", "seeds: [a]", "seeds: 'a': expected a whole number"),
        ("seeds: [0, 1]", "", "seeds: is missing"),
        ("seeds:", "seed: 1\nseeds:", "seed: is not a key"),
        ("{first: ", "{second: ", "expected the keys args or args, first or asr_alone"),
        ("    remedy:", "    re/medy:", "a name has letters"),
        ("base.yaml", "none.yaml", "none.yaml: cannot be read"),
        ("trained_on: easy", "trained_on: mild", "'mild': expected a condition above"),
        ("trained_on: easy", "trained_on: hard", "'hard': expected a condition above"),
        ("base_config:", "based_on: no.yaml\nbase_config:", "no.yaml: cannot be read"),
        ('"--gradient_method sum"', "[1]", "methods: sum: .1.: expected the keys"),
    ],
)
def test_a_wrong_plan_is_told(toy_study, old, new, message):
    toy_study.write(HARD.replace(old, new))
    with pytest.raises(ValueError, match=message):
        read_plan(TOY)


def test_a_plan_that_is_based_on_another_is_the_same_written_out(toy_study):
    Path("plans/short.yaml").write_text("""\
based_on: toy.yaml
method_args: "--max_epoch 9"
baseline: total
seeds: [3]
methods: {total: sum, cascade: cascade, both: {first: cascade, args: sum}}
""")
    short = read_plan(Path("plans/short.yaml"))
    shared = PLAN[: PLAN.index("methods:")].replace("[0, 1]", "[3]")
    methods = """\
methods:
    total: "--gradient_method sum --max_epoch 9"
    cascade: {first: "--enh_weight 1", args: "--freeze_param enh_model --max_epoch 9"}
    both: {first: "--enh_weight 1", args: "--gradient_method sum --max_epoch 9"}
"""
    toy_study.write(shared.replace("baseline: sum", "baseline: total") + methods)
    assert short == read_plan(TOY)


def test_what_methods_start_from_depends_on_its_own_flags_alone(toy_study):
    """And so methods, conditions and plans share it."""
    more = 'joint: {first: "--enh_weight 1", args: ""}\n    cascade: {'
    plan = HARD.replace('""', '"--max_epoch 9"').replace("cascade: {", more)
    toy_study.write(plan)
    runs = read_plan(TOY).runs
    assert len({run.trainings[0].key for run in runs}) == 1
    toy_study.write(plan.replace("epoch 2", "epoch 3"))
    other = read_plan(TOY).runs
    assert {run.trainings[0].key for run in other} == {runs[0].start.key}
    assert not {run.key for run in other} & {run.key for run in runs}


def command_of(label: str, which: int, stages: tuple[int, int] = TRAINING) -> str:
    """The command of one of a run's trainings."""
    plan = read_plan(TOY)
    (run,) = (run for run in plan.runs if run.label == label)
    return shlex.join(run_command(plan, run.trainings[which], stages, ngpu=0))


def test_what_methods_start_from_is_loaded(toy_study):
    toy_study.write(PLAN.replace('start: ""', 'start: "--max_epoch 9"'))
    recogniser = command_of("easy/sum/1", 0)
    assert recogniser.startswith("../../recogniser.sh --stage 11 --stop_stage 11 ")
    assert recogniser.count("'--max_epoch 9 --seed 0'") == 1
    start = recogniser.split("--enh_asr_exp ")[1]
    model = f"{start}/valid.acc.ave.pth::s2t_model"
    assert f"--init_param {model} --seed 1" in command_of("easy/sum/1", 1)
    first = command_of("easy/cascade/1", 1)
    assert f"--enh_weight 1 --init_param {model} --seed 1" in first
    folder = first.split("--enh_asr_exp ")[1].split()[0]
    assert folder.startswith("exp/first_seed1_")
    second = command_of("easy/cascade/1", 2)
    assert f"--init_param {folder}/valid.loss.ave.pth --seed 1" in second


def test_a_first_model_from_scratch_gives_its_se_module_alone(toy_study):
    second = command_of("easy/cascade/0", 1)
    assert "/valid.loss.ave.pth:enh_model:enh_model" in second
    assert "--freeze_param enh_model --init" in second and "--nbpe 40" in second


def test_a_recogniser_alone_starts_from_a_whole_recogniser(toy_study):
    alone = '    alone: {asr_alone: "--accum_grad 2"}\n'
    toy_study.write(PLAN.replace('start: ""', 'start: "--max_epoch 9"') + alone)
    trained, tested = (command_of("easy/alone/0", 1, s) for s in (TRAINING, TEST))
    assert "/valid.acc.ave.pth: --seed 0" in trained and "--nbpe" not in trained
    assert "recogniser.sh --stage 12 --stop_stage 15" in tested


def test_a_test_of_other_models_depends_on_their_training_too(toy_study):
    def definition(plan):
        toy_study.write(plan)
        runs = read_plan(TOY).runs
        return next(run.definition for run in runs if run.label == "hard/sum/0")

    changes = (("num_test 3", "num_test 4"), ("num_test 5", "num_test 6"))
    found = [definition(HARD.replace(*change)) for change in changes]
    assert len({definition(HARD), *found}) == 3


def test_the_recogniser_may_be_trained_on_another_corpus(toy_study):
    """It is made in a folder of its own, and what defines it defines the runs, too."""
    other = PLAN.replace('start: ""', 'start: "--max_epoch 9"')
    known = read_plan_of(toy_study, other)
    clean = other.replace(
        '{corpus: "--num_test 3", recipe: "--nbpe 40"}',
        '{corpus: "--num_test 3", start_corpus: "--cnr_min 40"}',
    )
    plan = read_plan_of(toy_study, clean)
    run = plan.runs[0]
    start = run.start
    assert start.condition.corpus == "--cnr_min 40"
    assert start.condition.folder != run.condition.folder
    command = shlex.join(run_command(plan, run, TRAINING, 0))
    place = f"../{start.condition.folder.name}/{start.experiment}"
    assert f"--init_param {place}/valid.acc.ave.pth::s2t_model" in command
    louder = read_plan_of(toy_study, clean.replace("cnr_min 40", "cnr_min 30"))
    keys = [{run.key for run in p.runs} for p in (known, plan, louder)]
    assert not keys[0] & keys[1] and not keys[1] & keys[2]


def read_plan_of(study, text: str):
    study.write(text)
    return read_plan(TOY)


def test_the_corpus_may_be_another_recipes(toy_study):
    mine = read_plan(TOY).runs[0]
    toy_study.write(PLAN.replace("../asr_with_enhancement", "../other_recipe"))
    run = read_plan(TOY).runs[0]
    assert run.condition.recipe_folder == Path("../other_recipe")
    assert run.condition.folder != mine.condition.folder
    assert run.definition != mine.definition


def test_a_recogniser_that_is_kept_is_what_all_runs_start_from(toy_study):
    """Another processor trains another one: 24 and 27 % WER of one and the same run."""
    text = PLAN.replace('"--num_test 3"', '"--num_test 3", start_model: start/it.pth')
    toy_study.write(text.replace(', recipe: "--nbpe 40"', ""))
    with pytest.raises(ValueError, match="start_model: there is no file start/it.pth"):
        read_plan(TOY)
    model = toy_study.folder / "start/it.pth"
    model.parent.mkdir()
    model.write_text("one")
    run = read_plan(TOY).runs[0]
    assert run.trainings == [run]
    words = shlex.split(" ".join(run_command(read_plan(TOY), run, TRAINING, 0)))
    place = words[words.index("--init_param") + 1].removesuffix("::s2t_model")
    assert (run.condition.folder / place).resolve() == model.resolve()
    model.write_text("another")
    assert read_plan(TOY).runs[0].definition != run.definition
