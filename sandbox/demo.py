"""`make demo`: one checkout from the cart to the mailed invoice, step by step, on a stack of its own."""

import asyncio
import sys
import time
from pathlib import Path

import httpx
from rich.console import Console
from rich.markup import escape

from sandbox.journey import Journey, Step, StepFailed
from sandbox.postgres import PostgresUnavailable
from sandbox.shop.backend import InvalidResult, Refused
from sandbox.supervisor.console import ConsoleReporter
from sandbox.supervisor.parts import StartFailed
from sandbox.supervisor.signals import cancel_on_signals
from sandbox.supervisor.stack import Stack, running, var_directory
from sandbox.supervisor.supervisor import AlreadyRunning


async def main() -> int:
    """Answers 0 only if the stack started and every step came out as it must."""
    console = Console(highlight=False, soft_wrap=True)
    reporter = ConsoleReporter(console)
    cancel_on_signals()
    try:
        async with running(var_directory(), reporter=reporter) as stack:
            succeeded = await play(stack, console, var_directory())
    except asyncio.CancelledError:
        reporter.say("demo", "was stopped", bad=True)
        return 1
    except (StartFailed, AlreadyRunning, PostgresUnavailable) as error:
        reporter.say("demo", str(error), bad=True)
        return 1
    console.print("[dim]The stack is stopped. `make up` starts it again, under the same addresses.[/dim]")
    return 0 if succeeded else 1


async def play(stack: Stack, console: Console, var: Path) -> bool:
    """Play the purchase on a running stack and show it. Answers whether every step came out as it must."""
    console.print()
    begun = time.monotonic()
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        journey = Journey(stack, client, var / "demo")
        for number, step in enumerate(journey.steps, start=1):
            try:
                seen = await step.act()
            except (StepFailed, Refused, InvalidResult, httpx.HTTPError) as error:
                _show_failure(console, number, step, error, var)
                return False
            _show(console, number, step, seen, time.monotonic() - begun)
    _show_places(stack, journey, console, var)
    return True


def _show(console: Console, number: int, step: Step, seen: str, seconds: float) -> None:
    console.print(
        f"[green]✔[/green] [bold]{number}[/bold]  {step.title:<50} [dim]{seconds:6.2f} s[/dim]  {escape(seen)}"
    )


def _show_failure(console: Console, number: int, step: Step, error: Exception, var: Path) -> None:
    console.print(f"[red]✘[/red] [bold]{number}[/bold]  {step.title}")
    console.print(f"     [red]Step {number} failed: {escape(str(error) or type(error).__name__)}[/red]")
    for log in step.logs:
        console.print(f"     read {var / 'log' / log}.log")


def _show_places(stack: Stack, journey: Journey, console: Console, var: Path) -> None:
    console.print()
    for name, place in (
        ("Invoice", str(var / "demo" / "invoice.pdf")),
        ("Mail", str(var / "demo" / "message.eml")),
        ("The run", journey.checkout["workflow"]["url"]),
        ("Inbox", stack.mail),
        ("Shop", stack.shop),
    ):
        console.print(f"  [bold]{name:<8}[/bold] {escape(place)}")
    console.print()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
