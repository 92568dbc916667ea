"""The local model: deterministic, no account, no key, no network.

It is no replay. It plans from the question and the tools' schemas by rules (`local_planner`), makes real tool calls,
and its reply is a pure function of the message history, so a run that was killed continues as if nothing had happened.
It understands little; its purpose is that everything around a model can be run, tested and measured without one.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from chassis.adapters.model.local_planner import plan
from chassis.adapters.model.model_settings import ModelSettings
from chassis.ports.adapter_context import AdapterContext


class LocalChatModel(BaseChatModel):
    """A chat model whose reply is computed from the history and the bound tools."""

    model_name: str

    @property
    def _llm_type(self) -> str:
        return "local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name}

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools by their schemas, as a remote model would be told them."""
        del tool_choice
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del stop, run_manager
        message = reply(messages, kwargs.get("tools", ()))
        message.usage_metadata = _usage(messages, message)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        del stop
        message = reply(messages, kwargs.get("tools", ()))
        for chunk in _chunks(message, _usage(messages, message)):
            generation = ChatGenerationChunk(message=chunk)
            if run_manager:
                await run_manager.on_llm_new_token(str(chunk.content), chunk=generation)
            yield generation


def reply(messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]) -> AIMessage:
    """Call the next planned tool, or answer from the results once all were called."""
    last_question = max((i for i, message in enumerate(messages) if isinstance(message, HumanMessage)), default=None)
    if last_question is None:
        return AIMessage(content="Ask me something.")
    question, since = messages[last_question].text, messages[last_question + 1 :]
    planned = plan(question, tools)
    called = sum(len(message.tool_calls) for message in since if isinstance(message, AIMessage))
    if called < len(planned):
        call = planned[called]
        key = f"{last_question}:{called}:{call.name}:{question}"
        call_id = f"call_{hashlib.sha256(key.encode()).hexdigest()[:24]}"
        return AIMessage(content="", tool_calls=[{"name": call.name, "args": call.arguments, "id": call_id}])
    results = [message for message in since if isinstance(message, ToolMessage)]
    if results:
        return AIMessage(content=" ".join(_say(message) for message in results))
    can = "; ".join(tool["function"]["description"].split(".")[0] for tool in tools)
    return AIMessage(content=f"I found no tool for that. What I can do: {can}.")


def _say(result: ToolMessage) -> str:
    """Put a tool's result into words: its own summary, or what it returned."""
    try:
        content = json.loads(result.text)
    except ValueError:
        return result.text
    return str(content.get("summary", result.text)) if isinstance(content, dict) else result.text


def _usage(messages: Sequence[BaseMessage], answer: AIMessage) -> UsageMetadata:
    """Count words as tokens, so that whatever counts tokens has something to count."""
    given, said = sum(len(message.text.split()) for message in messages), len(answer.text.split()) or 1
    return UsageMetadata(input_tokens=given, output_tokens=said, total_tokens=given + said)


def _chunks(message: AIMessage, usage: UsageMetadata) -> list[AIMessageChunk]:
    if message.tool_calls:
        calls = [
            tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index)
            for index, call in enumerate(message.tool_calls)
        ]
        return [AIMessageChunk(content="", tool_call_chunks=calls, usage_metadata=usage)]
    words = message.text.split(" ")
    chunks = [AIMessageChunk(content=word if index == 0 else f" {word}") for index, word in enumerate(words)]
    chunks[-1].usage_metadata = usage
    return chunks


async def open_model(settings: ModelSettings, _context: AdapterContext) -> BaseChatModel:
    """Build the model; there is nothing to open."""
    return LocalChatModel(model_name=settings.name)
