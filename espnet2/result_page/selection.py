"""Which utterances to listen to: the worst, the middle and the best."""

from collections.abc import Callable
from statistics import fmean

from espnet2.result_page.enhancement import Scores
from espnet2.result_page.recognition import ErrorRate
from espnet2.result_page.tables import c_order

KINDS = ("worst", "differ", "median", "best")  # as they stand on the page


def rank(rates: list[ErrorRate], enhanced: list[Scores]) -> list[str]:
    """Return the utterances that all share, from the best to the worst.

    By the error rate averaged over the systems, then by the errors; of two without an
    error the longer one is better. Without error rates by the SI-SNR of the enhanced
    speech. Ids break ties. Empty without any scores.
    """
    tables = [rate.utterances for rate in rates] or [item.values for item in enhanced]
    if not tables:
        return []
    common = c_order(set.intersection(*(set(table) for table in tables)))
    if not rates:
        return sorted(common, key=lambda key: -fmean(s.values[key] for s in enhanced))
    return sorted(
        common,
        key=lambda key: (
            fmean(rate.utterances[key].rate for rate in rates),
            sum(rate.utterances[key].number for rate in rates),
            -rates[0].utterances[key].length,
        ),
    )


def spread(rates: list[ErrorRate]) -> Callable[[str], float]:
    """Return the function of an utterance's largest less its smallest error rate."""

    def of_utterance(key: str) -> float:
        found = [rate.utterances[key].rate for rate in rates]
        return max(found) - min(found)

    return of_utterance


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


def spaced(utterances: list[str], number: int) -> dict[str, str]:
    """Return utterance -> "sample" of utterances at equal distances in C order."""
    ordered = c_order(utterances)
    number = min(number, len(ordered))
    return {ordered[i * len(ordered) // number]: "sample" for i in range(number)}
