"""Whether the migrations lead to exactly the tables that the models describe, and back again."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox import postgres

_ROOT = Path(__file__).parents[1]
_STEPS = (("upgrade", "head"), ("check",), ("downgrade", "base"), ("upgrade", "head"))


def main() -> int:
    """Run the migrations on a server of their own. Answers the code of the first step that fails, else 0."""
    with (
        tempfile.TemporaryDirectory(prefix="quittance-") as directory,
        postgres.running(Path(directory), durable=False) as server,
    ):
        environment = {**os.environ, "QUITTANCE_DATABASE__URL": server.create_database("migrations")}
        for step in _STEPS:
            command = (sys.executable, "-m", "alembic", *step)
            done = subprocess.run(command, cwd=_ROOT, env=environment, check=False)  # noqa: S603
            if done.returncode:
                sys.stderr.write(f"alembic {' '.join(step)} failed\n")
                return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
