"""nodetool.text: texts as language models count them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.nodes.packages import need
from nodetool_jupyter.nodes.text.base import TextNode


class CountTokens(TextNode):
    """How many tokens a text has in one of OpenAI's encodings, which is loaded from the web once."""

    text: str = ""
    encoding: Literal["cl100k_base", "p50k_base", "r50k_base"] = Field(
        default="cl100k_base", description="GPT-4 and GPT-3.5 have the first, GPT-3 and GPT-2 the others."
    )

    def process(self, context: ProcessingContext) -> int:
        tiktoken = need("tiktoken", "tiktoken", "tokens")
        try:
            encoding = tiktoken.get_encoding(self.encoding)
        except OSError as error:  # of its web library, too
            raise NodeToolError(
                f"the encoding {self.encoding} can't be loaded: {type(error).__name__}",
                hint="load it once where the web is, and set TIKTOKEN_CACHE_DIR to the folder that has it",
            ) from error
        return len(encoding.encode(self.text, disallowed_special=()))
