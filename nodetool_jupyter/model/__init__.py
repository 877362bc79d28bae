"""The words all layers share: graph, request, events, job. Frozen, validated, without I/O."""
