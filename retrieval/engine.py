"""OpenVINO, which runs the exported networks: a torch module in, a compiled graph out."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any


def engine() -> Any:
    """The package `openvino`.

    It reports its own import to its makers over the network; without its telemetry it cannot.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino  # type: ignore[import-untyped]

    return openvino


def export(module: Any, path: Path) -> None:
    """Trace a torch module of `input_ids` and `attention_mask`, each (texts, tokens), and save it in float16.

    Raises:
        RuntimeError: it cannot be converted.
        OSError: it cannot be written.
    """
    graph = _graph(module)
    try:
        engine().save_model(graph, path, compress_to_fp16=True)
    except RuntimeError as error:
        raise OSError(str(error)) from error


def compiled(path: Path) -> Any:
    """The saved graph, ready to run in the widest arithmetic the processor is fast at."""
    return engine().Core().compile_model(path, "CPU", {"PERFORMANCE_HINT": "LATENCY"})


def _graph(module: Any) -> Any:
    import warnings

    import torch

    tokens = torch.ones(2, 9, dtype=torch.int64)
    mask = tokens.clone()
    mask[1, 5:] = 0
    openvino = engine()
    root = logging.getLogger()
    level, filters, handlers = root.level, root.filters[:], root.handlers[:]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # tracing warns of every Python condition; what matters is told by the result
            return openvino.convert_model(module, example_input={"input_ids": tokens, "attention_mask": mask})
    except openvino.frontend.OpConversionFailure as error:
        raise RuntimeError(str(error)) from error
    finally:
        root.setLevel(level)  # the conversion silences everybody's log
        root.filters[:], root.handlers[:] = filters, handlers
