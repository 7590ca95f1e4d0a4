"""Rolling: equal turns one after the other become one loop, so that a program is no longer for a thousand steps than for one.

In go pure equations in order and the variables that are wanted of them; out come equations that give the same numbers, in which
a stretch of equal turns is one equation (`Rolled`). A turn may read what the turns before it made, what is the same in all
turns, and one slice after another of a tensor; what others read of it is stacked. Every turn was traced: that all are equal is
seen, not assumed.

`lines` puts numbers for what equations are and read, `periods` finds stretches of them that repeat, `matching` sees whether
what the turns read repeats too, `making` writes the loop, `stacking` looks through what is stacked and taken apart again,
`summing` makes of products that turns add up one product of what they stack.
"""

from lineal.compiler.rewrites.rolling.lines import is_view
from lineal.compiler.rewrites.rolling.making import Rolling, without_idle_views
from lineal.compiler.rewrites.rolling.whiles import endless, nested

__all__ = ["Rolling", "endless", "is_view", "nested", "without_idle_views"]
