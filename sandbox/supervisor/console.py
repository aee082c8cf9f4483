"""Short lines for the person who watches: time, part, what happened."""

from datetime import datetime
from typing import Protocol

from rich.console import Console
from rich.markup import escape


class Reporter(Protocol):
    """Where the supervisor says what it does."""

    def say(self, part: str, text: str, *, bad: bool = False) -> None:
        """One thing that happened."""
        ...


class ConsoleReporter:
    """Writes to the terminal, or plainly to a pipe."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, part: str, text: str, *, bad: bool = False) -> None:
        """One line."""
        now = datetime.now().astimezone()
        style = "red" if bad else "default"
        self._console.print(
            f"[dim]{now:%H:%M:%S}[/dim]  [bold]{part:<10}[/bold] [{style}]{escape(text)}[/{style}]", soft_wrap=True
        )
