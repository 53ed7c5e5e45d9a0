"""Make the references of all utterances in parallel, and go on where a run was ended.

Each reference that was subtracted is noted, with all that it depends on, in a log of
one JSON line each. A later run takes it from there; whatever else is looked at anew.
"""

import dataclasses
import json
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from clean_references import Job, Reference, make_reference
from subtract_background import Figures, Limits

from espnet2.data_dir.parallel import work_on


def make_references(
    jobs: Sequence[Job], limits: Limits, log_file: Path, processes: int
) -> dict[str, Reference]:
    """Result of every job by its key, which stands once; done work is in the log."""
    prints = {job.key: fingerprint(job, limits) for job in jobs}
    done = read_log(log_file, prints)
    waiting = [job for job in jobs if job.key not in done]
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("a", encoding="utf-8") as log:
        log.write("\n")  # ends a line that was broken off
        work = partial(make_reference, limits=limits)
        for result in work_on(waiting, work, processes, "audio", at_a_time=16):
            done[result.key] = result
            if result.source == "subtracted" and not result.reason:
                record = [prints[result.key], dataclasses.asdict(result)]
                log.write(json.dumps(record) + "\n")
                log.flush()
    return done


def fingerprint(job: Job, limits: Limits) -> str:
    """Text that changes with the job, the limits, and the mixture and background."""
    files = [_state(path) for path in (job.mixture, job.background, job.original)]
    values = [dataclasses.astuple(job), dataclasses.astuple(limits), files]
    return json.dumps(values)


def read_log(log_file: Path, prints: dict[str, str]) -> dict[str, Reference]:
    """References made before, of which nothing has changed and the file is there."""
    found: dict[str, Reference] = {}
    if not log_file.is_file():
        return found
    for line in log_file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            made_from, record = json.loads(line)
            figures = Figures(**record.pop("figures"))
            reference = Reference(**record, figures=figures)
        except (ValueError, TypeError, AttributeError, KeyError):
            continue  # blank, or broken off
        whole = 44 + 2 * reference.samples  # bytes of the wav that was written
        if prints.get(reference.key) == made_from:
            if _state(reference.path)[:1] == [whole]:
                found[reference.key] = reference
    return found


def _state(path: str) -> list[int]:
    """Size in bytes and time of change in ns of a file; empty if there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]
