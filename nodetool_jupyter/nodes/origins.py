"""Which of NodeTool's own packages has node types that this library lacks, by how their names begin."""

from __future__ import annotations

BASE = (
    *("anthropic", "apify", "calendly", "chroma", "gemini", "google", "groq", "huggingface_hub", "kie"),
    *("lib", "llms", "messaging", "mistral", "nodetool", "openai", "search", "skills", "vector"),
)
PACKAGES: dict[str, str] = {
    "aime": "nodetool-aime",
    "apple": "nodetool-apple",
    "comfy": "nodetool-comfy",
    "elevenlabs": "nodetool-elevenlabs",
    "fal": "nodetool-fal",
    "huggingface": "nodetool-huggingface",
    "lib.audio": "nodetool-lib-audio",
    "lib.librosa": "nodetool-lib-audio",
    "lib.ml": "nodetool-lib-ml",
    "lib.pedalboard": "nodetool-lib-audio",
    "lib.sklearn": "nodetool-lib-ml",
    "lib.synthesis": "nodetool-lib-audio",
    "mlx": "nodetool-mlx",
    "replicate": "nodetool-replicate",
    "wan2gp": "nodetool-wan2gp",
    "whispercpp": "nodetool-whispercpp",
    **dict.fromkeys(BASE, "nodetool-base"),
}
"""First parts of type strings → the package; the longest that fits counts."""


def package_of(type_name: str) -> str | None:
    """The package of a node type, where that is known."""
    parts = type_name.split(".")[:-1]
    beginnings = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((PACKAGES[beginning] for beginning in beginnings if beginning in PACKAGES), None)
