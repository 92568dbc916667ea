"""The rows of the chart's README for each piece of its values. `python -m tests.chart.documents` writes them anew."""

import importlib.util
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PIECES = ROOT / "hooks/chart/values"
WRITER = ROOT / "template/tools/chart_values.py"


def _writer() -> Any:
    spec = importlib.util.spec_from_file_location("chart_values", WRITER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(text: str) -> str:
    """Give the table of a whole file of values."""
    found: str = _writer().table(text)
    return found


def written() -> dict[str, str]:
    """Give what every file of rows should hold."""
    writer = _writer()
    return {
        f"{piece.stem}.md": "".join(
            f"{row}\n"
            for row in writer.rows(
                piece.read_text(), ("network_policy", "egress") if piece.stem.startswith("egress-") else ()
            )
        )
        for piece in sorted(PIECES.glob("*.yaml"))
    }


if __name__ == "__main__":
    for name, content in written().items():
        (PIECES / name).write_text(content, encoding="utf-8")
    print(f"{len(written())} files written to {PIECES.relative_to(ROOT)}.")
