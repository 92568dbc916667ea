"""The sample agent's endpoints: none but one that fails."""

from fastapi import APIRouter

from chassis.api import can

router = APIRouter(prefix="/sample")


@router.get("/failure", dependencies=[can("runs:read")])
async def failure() -> None:
    raise RuntimeError("a secret detail")
