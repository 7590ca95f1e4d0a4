"""Object code kept on disk between processes, in $XDG_CACHE_HOME/lineal or ~/.cache/lineal.

An entry is one file named by the digest of what made it; its first bytes are the digest of the rest, so that a damaged entry is
seen and made again. Files appear under their name only when complete. If the folder cannot be written, nothing is kept; if
somebody else might have written there (`lineal.codegen.trust`), nothing is read either, and one warning says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from lineal.codegen.trust import read_own, why_not

LIMIT, MOST = 256 << 20, 1 << 14
"""How many bytes and entries are kept: to look at all of them takes some 5 µs each."""
SWEEP_EVERY = 64
"""Entries are sorted out once in so many writes, of all processes together."""
DIGEST = 32


class Cache:
    """A folder of byte strings, the least recently used of which go when there are more than `limit` bytes, or `most`."""

    def __init__(self, folder: Path, limit: int = LIMIT, most: int = MOST):
        self.folder = folder
        self.limit, self.most = limit, most
        self.enabled = True
        # many processes write a few entries each: every 64th of them begins with sorting out
        self.written = os.getpid() % SWEEP_EVERY

    @cached_property
    def trusted(self) -> bool:
        """Whether nobody else can have put anything into the folder; found out at first use."""
        reason = why_not(self.folder)
        if reason is not None:
            warnings.warn(f"lineal: compiled code is not kept between runs: {reason}", UserWarning, stacklevel=2)
        return reason is None

    def path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.o"

    def get(self, key: str) -> bytes | None:
        """Return what was put under `key`, or None; a damaged entry is removed."""
        path = self.path(key)
        if not self.trusted:
            return None
        try:
            content = read_own(path)
        except OSError:
            return None
        body = content[DIGEST:]
        if hashlib.sha256(body).digest() == content[:DIGEST]:
            with contextlib.suppress(OSError):
                os.utime(path)
            return body
        with contextlib.suppress(OSError):
            path.unlink()
        return None

    def put(self, key: str, body: bytes) -> None:
        """Keep `body` under `key`; if that is impossible, stop trying."""
        if not self.enabled or not self.trusted:
            return
        try:
            self.write(self.path(key), hashlib.sha256(body).digest() + body)
        except OSError:
            # where files in use cannot be replaced, another process has just written the same
            self.enabled = self.path(key).exists()
            return
        self.written += 1
        if self.written % SWEEP_EVERY == 0:
            self.sweep()

    def write(self, path: Path, content: bytes) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if path.parent.is_symlink():
            raise NotADirectoryError(f"{path.parent} is a link")
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise

    def sweep(self) -> None:
        """If there are more bytes or entries than may be, remove the least recently used until three quarters are left."""
        found = sorted(self.entries())
        total, count = sum(size for _, size, _ in found), len(found)
        if total <= self.limit and count <= self.most:
            return
        for _, size, path in found:
            with contextlib.suppress(OSError):
                os.unlink(path)
            total, count = total - size, count - 1
            if total <= self.limit * 3 // 4 and count <= self.most * 3 // 4:
                return

    def entries(self) -> Iterator[tuple[float, int, str]]:
        """Yield when each file was used, its size and its path; what lies behind a link is not ours."""
        with contextlib.suppress(OSError):
            for folder in list(os.scandir(self.folder)):
                if folder.is_dir(follow_symlinks=False):
                    for entry in list(os.scandir(folder.path)):
                        with contextlib.suppress(OSError):
                            status = entry.stat(follow_symlinks=False)
                            yield status.st_mtime, status.st_size, entry.path


def default_folder() -> Path | None:
    """Return the folder for object code: LINEAL_CACHE, else the user's cache folder; None for a user who has none."""
    chosen = os.environ.get("LINEAL_CACHE")
    if chosen:
        return Path(os.path.abspath(chosen))
    base = os.environ.get("XDG_CACHE_HOME", "")
    # the specification of these folders has relative ones ignored
    folder = Path(base) if os.path.isabs(base) else Path(os.path.expanduser("~")) / ".cache"
    return folder / "lineal" if folder.is_absolute() else None
