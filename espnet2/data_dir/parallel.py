"""Work on many items in several processes, with a bar that shows how far it is."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from tqdm import tqdm

from espnet2.data_dir.tables import DataError

Item, Result = TypeVar("Item"), TypeVar("Result")


def work_on(
    items: Sequence[Item],
    work: Callable[[Item], Result],
    processes: int,
    what: str,
    at_a_time: int = 1,
) -> Iterator[Result]:
    """Yield the result of each item, in their order.

    ``what`` names the items in the bar. A process takes so many ``at_a_time``; a single
    one is the present one.

    Raises:
        DataError: ``processes`` is below 1, or one was killed.
    """
    if processes < 1:
        raise DataError(f"--nj {processes}: want 1 or more")
    if processes == 1:
        yield from tqdm(map(work, items), what, len(items), mininterval=1)
        return
    with ProcessPoolExecutor(max_workers=processes) as pool:
        results = pool.map(work, items, chunksize=at_a_time)
        try:
            yield from tqdm(results, what, len(items), mininterval=1)
        except BrokenProcessPool:
            raise DataError(
                "a process was killed, perhaps for want of memory: try a smaller --nj; "
                "what is finished is kept"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)
