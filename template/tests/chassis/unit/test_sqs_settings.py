"""Settings of the SQS queue that are refused, each with one sentence."""

import pytest

from chassis.settings_loader import InvalidSettingsError, load_settings

STATIC_KEY = "AKIAIOSFODNN7EXAMPLE"
REGION = "eu-central-1"
URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/my-agent-runs"


def problems(monkeypatch: pytest.MonkeyPatch, keys: dict[str, str] | None = None, **changes: str) -> list[str]:
    """Give what is wrong with these settings in production."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (keys or {}).items():
        monkeypatch.setenv(name, value)
    given = {"REGION": REGION, "URL": URL, **changes}
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings({f"CHASSIS__QUEUE__{name}": value for name, value in given.items()})
    return [problem for problem in caught.value.problems if "QUEUE" in problem]


def test_a_queue_and_its_region_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not problems(monkeypatch)
    assert not problems(monkeypatch, {"AWS_ACCESS_KEY_ID": "ASIAX", "AWS_SESSION_TOKEN": "x"})
    assert not problems(
        monkeypatch, ENDPOINT_URL="https://vpce.internal", URL="https://vpce.internal/123456789012/runs"
    )


def test_production_refuses_a_static_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    [problem] = problems(monkeypatch, {"AWS_ACCESS_KEY_ID": STATIC_KEY, "AWS_SESSION_TOKEN": "x"})
    assert "a long-term access key in AWS_ACCESS_KEY_ID is refused in production" in problem
    assert STATIC_KEY not in problem


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"URL": "http://sqs.internal/123456789012/runs"}, "must begin with https:// in production"),
        ({"ENDPOINT_URL": "http://vpce.internal"}, "must begin with https:// in production"),
        ({"URL": f"{URL}.fifo"}, "must be a standard queue, not a FIFO one"),
        ({"REGION": "eu-west-1"}, "names a queue in eu-central-1, queue.region says eu-west-1"),
        ({"REGION": "Frankfurt"}, "CHASSIS__QUEUE__REGION"),
        ({"URL": "my-agent-runs"}, "CHASSIS__QUEUE__URL"),
        ({"URL": "https://key:secret@sqs.internal/123456789012/runs"}, "CHASSIS__QUEUE__URL"),
    ],
)
def test_wrong_settings_are_refused(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], sentence: str) -> None:
    [problem] = problems(monkeypatch, None, **wrong)
    assert sentence in problem
    assert "secret@" not in problem
