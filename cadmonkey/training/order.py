"""The order in which a run sees its rows: a function of seed and epoch, and of nothing that a kill would lose."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch.utils.data import Sampler


class EpochOrder(Sampler[int]):
    """A new order of the rows in every epoch, rows of like length together if wanted.

    transformers' own samplers draw from the random state that dropout draws from too, so that a run resumed in a later
    epoch would see another order; and they group by the batch of one process, so that two processes would see another
    order than one.
    """

    def __init__(
        self, lengths: Sequence[int], step_rows: int, seed: int, epoch: Callable[[], int], *, by_length: bool
    ) -> None:
        """Keep what the order depends on.

        Args:
            lengths: tokens of each row.
            step_rows: rows of one optimizer step, over all processes.
            seed: the run's.
            epoch: tells the epoch that begins.
            by_length: put rows of like length into one step.
        """
        self._lengths, self._step_rows, self._seed, self._epoch = list(lengths), step_rows, seed, epoch
        self._by_length = by_length

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed + self._epoch())
        if not self._by_length:
            return iter(torch.randperm(len(self), generator=generator).tolist())
        from transformers.trainer_pt_utils import get_length_grouped_indices

        return iter(get_length_grouped_indices(self._lengths, self._step_rows, generator=generator))
