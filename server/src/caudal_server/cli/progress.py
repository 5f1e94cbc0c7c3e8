"""How an execution goes, shown while it runs: a live tree on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from caudal_server.cli.terminal import messages
from caudal_server.showing import visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

MARKS = {
    "pending": ("·", "dim"),
    "running": ("▸", "cyan"),
    "waiting": ("▸", "yellow"),
    "completed": ("✓", "green"),
    "failed": ("✗", "red"),
    "skipped": ("–", "dim"),
    "cancelled": ("–", "yellow"),
    "interrupted": ("!", "red"),
}
UNSETTLED = ("pending", "running", "waiting")
ROOM = 5
"""Lines of the terminal that are left for others."""


@dataclass(slots=True)
class Step:
    """A node as it is shown, below the node that leads to it."""

    id: str
    label: str
    below: str | None = None
    status: str = "pending"
    seconds: float | None = None
    message: str = ""
    since: float = field(default_factory=monotonic)

    def line(self) -> Text:
        """«✓ label (id) 0.120 s: what was done»."""
        from rich.text import Text

        mark, style = MARKS[self.status]
        seconds = monotonic() - self.since if self.status == "running" else self.seconds
        return Text.assemble(
            (f"{mark} ", style),
            visible(self.label),
            (f" ({visible(self.id)})", "dim"),
            (f" {duration(seconds)}" if seconds is not None else "", style),
            f": {visible(self.message)}" if self.message else "",
            no_wrap=True,
            overflow="ellipsis",
        )


def duration(seconds: float) -> str:
    """`0.120 s`, `12.3 s`."""
    return f"{seconds:.3f} s" if seconds < 1 else f"{seconds:.1f} s"


class Progress:
    """The steps of one execution and where they are shown."""

    def __init__(self, title: str, steps: Iterable[Step], console: Console) -> None:
        self.title = visible(title)
        self.steps = {step.id: step for step in steps}
        self._console = console
        self._live = console.is_terminal

    def tell(
        self, step_id: str, status: str, seconds: float | None = None, message: str = ""
    ) -> None:
        """A node has begun, goes on or has ended."""
        step = self.steps[step_id]
        if status == "running" and step.status != "running":
            step.since = monotonic()
        news = (status, message) != (step.status, step.message)
        step.status, step.seconds, step.message = status, seconds, message
        if news and not self._live and status not in UNSETTLED:
            self._console.print(step.line(), soft_wrap=True)

    def __rich__(self) -> RenderableType:
        if len(self.steps) > self._console.height - ROOM:
            return self._summary()
        return self._tree()

    def _tree(self) -> RenderableType:
        from rich.tree import Tree

        root = Tree(self.title, guide_style="dim")
        branches: dict[str | None, Tree] = {None: root}
        for step in self._in_order():
            branches[step.id] = branches[step.below].add(step.line())
        return root

    def _in_order(self) -> Iterator[Step]:
        """Every step after the one it hangs below."""
        below: dict[str | None, list[Step]] = {}
        for step in self.steps.values():
            below.setdefault(step.below, []).append(step)
        queue = below.get(None, [])
        for step in queue:
            yield step
            queue += below.get(step.id, [])

    def _summary(self) -> RenderableType:
        """Of a workflow with more nodes than the terminal has lines: those at work, and counts."""
        from rich.console import Group

        steps = self.steps.values()
        settled = sum(step.status not in UNSETTLED for step in steps)
        head = f"{self.title}: {settled} of {len(steps)} nodes"
        room = max(1, self._console.height - ROOM)
        worth = [step for step in steps if step.status in ("running", "failed", "interrupted")]
        return Group(head, *(step.line() for step in worth[-room:]))


@contextmanager
def shown(title: str, steps: Iterable[Step]) -> Iterator[Progress]:
    """Show an execution's progress on standard error while the block runs."""
    console = messages()
    progress = Progress(title, steps, console)
    if not console.is_terminal:
        yield progress
        return
    from rich.live import Live

    with Live(progress, console=console, refresh_per_second=10):
        yield progress
