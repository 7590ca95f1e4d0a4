"""Multigrid: the same error is smooth on a fine grid and rough on a coarse one."""
