"""Any endpoint that speaks the OpenAI chat protocol, chosen by base URL."""

from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI

from chassis.adapters.model.model_settings import ModelSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.secrets import secret_name


async def open_model(settings: ModelSettings, context: AdapterContext) -> BaseChatModel:
    """Build the client; retries are the agent's middleware's business, so the SDK's own are off."""
    name = secret_name(settings.api_key or "")

    async def key() -> str:
        return (await context.secrets.get(name)).reveal()

    await key()  # a key that is not there is found now, not by the first caller
    return ChatOpenAI(
        model=settings.name,
        base_url=settings.base_url,
        api_key=key,
        timeout=settings.timeout_seconds,
        max_retries=0,
    )
