"""How an execution is shown while it runs."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from caudal_server.cli.progress import Progress, Step


def steps(count: int = 3) -> list[Step]:
    """A chain of nodes, each below the one before."""
    return [Step(f"n{i}", f"Node {i}", f"n{i - 1}" if i else None) for i in range(count)]


def screen(height: int = 24) -> Console:
    """A terminal of this many lines."""
    size = {"width": 60, "height": height}
    return Console(file=StringIO(), force_terminal=True, color_system=None, **size)  # type: ignore[arg-type]


def drawn(progress: Progress, console: Console) -> list[str]:
    """What the terminal shows."""
    with console.capture() as capture:
        console.print(progress)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_tree_hangs_each_node_below_the_one_that_leads_to_it() -> None:
    """On a terminal the nodes form a tree, each with its state, time and message."""
    console = screen()
    progress = Progress("Flow", steps(), console)
    progress.tell("n0", "completed", 0.25, "2 records")
    progress.tell("n1", "failed", 12.34, "no luck")
    assert [
        "Flow",
        "└── ✓ Node 0 (n0) 0.250 s: 2 records",
        "    └── ✗ Node 1 (n1) 12.3 s: no luck",
        "        └── · Node 2 (n2)",
    ] == drawn(progress, console)


def test_node_may_stand_before_the_one_it_hangs_below() -> None:
    """The order of the nodes in the workflow does not matter to the tree."""
    console = screen()
    progress = Progress("Flow", reversed(steps()), console)
    assert ["Flow", "└── · Node 0 (n0)", "    └── · Node 1 (n1)"] == drawn(progress, console)[:3]


def test_many_nodes_are_counted() -> None:
    """A workflow with more nodes than the terminal has lines shows counts and what is at work."""
    console = screen(height=12)
    progress = Progress("Flow", steps(100), console)
    for i in range(40):
        progress.tell(f"n{i}", "completed", 0.1)
    progress.tell("n40", "failed", 0.1, "no luck")
    shown = drawn(progress, console)
    assert ["Flow: 41 of 100 nodes", "✗ Node 40 (n40) 0.100 s: no luck"] == shown


def test_long_message_is_cut_on_a_terminal() -> None:
    """A line never takes more than the terminal's width."""
    console = screen()
    progress = Progress("Flow", steps(1), console)
    progress.tell("n0", "completed", 0.1, "x" * 200)
    head, line = drawn(progress, console)
    assert "Flow" == head
    assert 60 == len(line)
    assert line.endswith("x…")


def test_elsewhere_each_end_is_one_line() -> None:
    """Without a terminal a node is told once, when it has ended; a retry is told too."""
    file = StringIO()
    progress = Progress("Flow", steps(2), Console(file=file, width=240))
    progress.tell("n0", "running")
    progress.tell("n0", "failed", 0.1, "attempt 1: no luck")
    progress.tell("n0", "running")
    for _ in range(3):
        progress.tell("n0", "completed", 0.2, "done")
    assert [
        "✗ Node 0 (n0) 0.100 s: attempt 1: no luck",
        "✓ Node 0 (n0) 0.200 s: done",
    ] == [line.rstrip() for line in file.getvalue().splitlines()]
