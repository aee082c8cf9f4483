"""`make up`: the whole stack until Ctrl-C."""

import asyncio
import sys

from rich.console import Console
from rich.markup import escape

from sandbox.postgres import PostgresUnavailable
from sandbox.supervisor.console import ConsoleReporter
from sandbox.supervisor.parts import StartFailed
from sandbox.supervisor.signals import cancel_on_signals
from sandbox.supervisor.stack import Stack, running, var_directory
from sandbox.supervisor.supervisor import AlreadyRunning


async def main() -> int:
    """Run until SIGINT or SIGTERM (a second one hurries). Answers the exit code."""
    console = Console(highlight=False, soft_wrap=True)
    reporter = ConsoleReporter(console)
    cancel_on_signals()
    try:
        async with running(var_directory(), reporter=reporter) as stack:
            _show_addresses(stack, console)
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        reporter.say("stack", "stopped")
    except (StartFailed, AlreadyRunning, PostgresUnavailable) as error:
        reporter.say("stack", str(error), bad=True)
        return 1
    return 0


def _show_addresses(stack: Stack, console: Console) -> None:
    console.print()
    for name, address in (
        ("Demo shop", stack.shop),
        ("Mail inbox", stack.mail),
        ("API docs", f"{stack.api}/docs"),
        ("Temporal", stack.temporal_ui),
        ("All of it", str(var_directory() / "stack.json")),
    ):
        console.print(f"  [bold]{name:<10}[/bold] {escape(address)}")
    console.print("\n  [dim]Ctrl-C stops everything.[/dim]\n")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
