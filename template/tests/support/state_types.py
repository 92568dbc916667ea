"""Types that a graph's state may or may not hold."""

from dataclasses import dataclass
from enum import Enum

from pydantic import BaseModel


class Urgency(Enum):
    HIGH = "high"


@dataclass(frozen=True)
class Note:
    text: str
    urgency: Urgency


class Place(BaseModel):
    town: str
