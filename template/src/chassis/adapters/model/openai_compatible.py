"""Any endpoint that speaks the OpenAI chat protocol, chosen by base URL."""

from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from chassis.adapters.model.model_settings import ModelSettings
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.secrets import secret_name


async def open_model(settings: ModelSettings, context: AdapterContext) -> BaseChatModel:
    """Build the client; retries are the agent's middleware's business, so the SDK's own are off."""
    key = await context.secrets.get(secret_name(settings.api_key or ""))
    return ChatOpenAI(
        model=settings.name,
        base_url=settings.base_url,
        api_key=SecretStr(key.reveal()),
        timeout=settings.timeout_seconds,
        max_retries=0,
    )
