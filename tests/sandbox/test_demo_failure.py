"""When the demo fails it says where, and what to read."""

import io
from pathlib import Path

from rich.console import Console

from sandbox.demo import play
from sandbox.ports import free_port
from sandbox.supervisor.stack import Stack


async def test_a_failing_step_is_named_with_the_log_to_read(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    stack = Stack(
        api=nobody,
        api_key="qk_test_x",
        result_key="x",
        merchant="meridian",
        shop=f"{nobody}/shop",
        mail=f"{nobody}/mail",
        temporal="",
        temporal_namespace="default",
        temporal_ui=nobody,
        database_url="",
        stripe_api=nobody,
        stripe_webhook_secret="",
    )
    output = io.StringIO()
    assert not await play(stack, Console(file=output, soft_wrap=True), tmp_path)
    assert "✘ 1  The customer checks out in the shop" in output.getvalue()
    assert "Step 1 failed: All connection attempts failed" in output.getvalue()
    assert f"read {tmp_path}/log/sandbox.log" in output.getvalue()
    assert not (tmp_path / "demo").exists()
