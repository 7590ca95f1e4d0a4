"""A run as a checkpoint and back: everything that the rest of it depends on."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineal.data import CheckpointError, load
from lineal.train.randomness import random_state, set_random_state

if TYPE_CHECKING:
    from lineal.train.trainer import Trainer

__all__ = ["CHECKPOINT", "restored", "stamp", "state_of"]

KIND = "lineal trainer 1"
CHECKPOINT = "checkpoint.safetensors"


def state_of(trainer: Trainer) -> dict[str, Any]:
    """Return a trainer's state; its tensors share memory with the trainer's."""
    parts = {name: part.state_dict() for name, part in parts_of(trainer).items()}
    return {
        "kind": KIND,
        "config": trainer.config.as_dict(),
        "progress": dataclasses.asdict(trainer.progress),
        "history": trainer.history,
        "kinds": [trainer.prepared.kinds, trainer.prepared.left],
        "random_before": trainer.random_before,
        "random": random_state(trainer.generators),
        **parts,
    }


def parts_of(trainer: Trainer) -> dict[str, Any]:
    """Return what of a trainer has a state of its own, by the names in a checkpoint."""
    parts: dict[str, Any] = {"model": trainer.model, "optimizer": trainer.optimizer, "tally": trainer.tally}
    parts |= {f"stateful {name}": each for name, each in trainer.stateful.items()}
    parts |= {f"callback {place}": each for place, each in enumerate(trainer.callbacks) if each.state_dict()}
    others = {"schedule": trainer.schedule, "scaler": trainer.step.scaler, "average": trainer.step.average}
    return parts | {name: each for name, each in others.items() if each is not None}


def restored(trainer: Trainer, folder: Path) -> bool:
    """Let a trainer go on from the checkpoint in a folder; return False if there is none.

    CheckpointError if the file is damaged, or is none of such a run; ValueError if the run had other settings.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return False
    state = load(path)
    if not isinstance(state, dict) or state.get("kind") != KIND:
        raise CheckpointError(f"load: {path} is no checkpoint of a Trainer")
    trainer.config.check_resumes(state["config"])
    parts = parts_of(trainer)
    missing = [name for name in parts if name not in state]
    if missing:
        raise CheckpointError(f"load: {path} has no state of {', '.join(missing)}")
    try:
        for name, part in parts.items():
            part.load_state_dict(state[name])
        for name, value in state["progress"].items():
            setattr(trainer.progress, name, value)
        set_random_state(state["random"], trainer.generators)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"load: {path} does not fit this run: {error}") from error
    trainer.history[:] = state["history"]
    trainer.prepared.kinds, trainer.prepared.left = state["kinds"]
    trainer.random_before = state["random_before"]
    trainer.saved = trainer.progress.epoch
    return True


def stamp(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from the one that was there before; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
