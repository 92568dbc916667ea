"""What lets the service log in to the OpenBao of compose, on the server that `make run` starts."""

import runpy
import sys
from pathlib import Path

import pytest

from chassis.dev.openbao import openbao_server

SETUP = Path(__file__).resolve().parents[3] / "deploy/compose/vault_setup.py"


@pytest.mark.slow
def test_the_service_can_log_in_after_the_setup_and_again_after_a_second_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret-id"
    with openbao_server(tmp_path) as server:
        server.write("sys/mounts/secret", type="kv", options={"version": "2"})
        for _ in range(2):
            monkeypatch.setattr(sys, "argv", ["setup.py", server.url, server.root_token, str(file)])
            runpy.run_path(str(SETUP), run_name="__main__")
            answer = server.write("auth/approle/login", role_id="agent", secret_id=file.read_text())
            assert answer["auth"]["policies"] == ["agent", "default"]
