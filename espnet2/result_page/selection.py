"""Which utterances to listen to: the worst, the middle and the best."""

from collections.abc import Callable, Iterable
from statistics import fmean

from espnet2.result_page.page_sets import PageSet
from espnet2.results.alignment import Alignment

KINDS = ("worst", "differ", "median", "best")  # as they stand on the page


def select(page_set: PageSet, number: int) -> dict[str, str]:
    """Return utterance -> kind of ``number`` utterances, in the order of the page.

    They are ranked by the word errors of all systems, without any by the mean SI-SNR of
    the enhanced speech. Only utterances that all share are ranked; ids break ties.
    """
    aligned = [system.wer.utterances for system in page_set.scored]
    results = page_set.results.values()
    scores = [one.scores.get("SI_SNR") for one in results]
    tables = aligned or [table.values for table in scores if table]
    shared = sorted(set.intersection(*map(set, tables))) if tables else []
    values = {key: [table[key] for table in tables] for key in shared}
    if not values:
        enhanced = (one.enhanced for one in results if one.enhanced)
        return spaced(page_set.raw.noisy or next(enhanced, {}), number)
    if not aligned:
        return choose(sorted(values, key=lambda key: -fmean(values[key])), number)
    ranked = sorted(values, key=lambda key: badness(values[key]))
    differ = (lambda key: spread(values[key])) if len(aligned) > 1 else None
    return choose(ranked, number, differ)


def badness(alignments: list[Alignment]) -> tuple[float, int, int]:
    """Return what sorts the utterances of some systems.

    It is the mean error rate, then the number of errors; of two utterances without an
    error the longer one is better.
    """
    counts = [alignment.counts for alignment in alignments]
    errors = sum(one.errors for one in counts)
    return fmean(one.error_rate for one in counts), errors, -counts[0].reference_units


def spread(alignments: list[Alignment]) -> float:
    """Return the largest less the smallest error rate."""
    rates = [alignment.counts.error_rate for alignment in alignments]
    return max(rates) - min(rates)


def choose(
    ranked: list[str], number: int, differ: Callable[[str], float] | None = None
) -> dict[str, str]:
    """Return utterance -> kind of ``number`` utterances, in the order of the page.

    Args:
        ranked: from the best to the worst.
        number: how many, shared between the kinds.
        differ: how far the systems lie apart, if there are several.
    """
    kinds = [kind for kind in KINDS if differ or kind != "differ"]
    number = min(number, len(ranked))
    share, rest = divmod(number, len(kinds))
    shares = {kind: share + (place < rest) for place, kind in enumerate(kinds)}
    left = list(ranked)
    chosen: dict[str, list[str]] = {"worst": left[::-1][: shares["worst"]]}
    left = left[: len(left) - shares["worst"]]
    chosen["best"] = left[: shares["best"]]
    left = left[shares["best"] :]
    if differ:
        apart = sorted(filter(differ, left), key=differ, reverse=True)
        chosen["differ"] = apart[: shares["differ"]]
        left = [key for key in left if key not in chosen["differ"]]
    middle = number - sum(map(len, chosen.values()))
    start = (len(left) - middle) // 2
    chosen["median"] = left[start : start + middle][::-1]
    return {key: kind for kind in kinds for key in chosen[kind]}


def spaced(utterances: Iterable[str], number: int) -> dict[str, str]:
    """Return utterance -> "sample" of utterances at equal distances in C order."""
    ordered = sorted(utterances)
    number = min(number, len(ordered))
    return {ordered[i * len(ordered) // number]: "sample" for i in range(number)}
