"""Being told to end."""

import asyncio
import signal


def cancel_on_signals() -> None:
    """SIGINT, SIGTERM and SIGHUP cancel the current task; a second one cancels it again, while it cleans up."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("only a running task can be canceled")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
