"""Whether code from a folder may be run: nobody but the user, or the system's administrator, can have put it there.

As OpenSSH does for keys, the folder and all folders above it must belong to the user or to root, and be writable by nobody
else; one with the sticky bit, as `/tmp` has it, may be writable, for there nobody renames what is another's.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["read_own", "why_not"]

OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
POSIX = hasattr(os, "geteuid")


def why_not(folder: Path) -> str | None:
    """Return why code from the folder is not to be run, None if it may be; what does not exist yet has only its parents."""
    if not POSIX:
        return None
    # the folders that lead to a link, and those that lead to what it names
    paths = dict.fromkeys([folder, *folder.parents, *(real := folder.resolve()).parents, real])
    for path in paths:
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        except OSError as error:
            return f"{path}: {error.strerror}"
        if not stat.S_ISDIR(status.st_mode):
            # nothing can be read from there, nor be written
            return None
        if status.st_uid not in (0, os.geteuid()):
            return f"{path} belongs to another user"
        inner = path in (folder, real)
        if others_write(status) and (inner or not status.st_mode & stat.S_ISVTX):
            return f"{path} can be written by others"
    return None


def others_write(status: os.stat_result) -> bool:
    """Return whether somebody else may write; a group of the user's own, of the same number, has no other members."""
    if status.st_gid == os.getegid() == os.geteuid():
        return bool(status.st_mode & stat.S_IWOTH)
    return bool(status.st_mode & OTHERS_MAY_WRITE)


def read_own(path: Path) -> bytes:
    """Return the content of a file that nobody else can have written; OSError if it is none, or a link."""
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)), "rb") as file:
        for status in (os.fstat(file.fileno()), path.parent.lstat()) if POSIX else ():
            if status.st_uid not in (0, os.geteuid()) or others_write(status) or stat.S_ISLNK(status.st_mode):
                raise PermissionError(f"{path} may be another's")
        return file.read()
