"""Derivatives of programs: loops and branches are differentiated as they ran.

Run it: python examples/control_flow_gradients.py
"""

import lineal as torch


def doubled_until_large(a):
    """Double `a` until its size passes a thousand; negative numbers are then made a hundred times larger."""
    b = a
    while b.abs() < 1000:
        b = b * 2
    if b > 0:
        return b
    return 100 * b


def heron(a, rounds=20):
    """Return the square root of `a` by averaging a guess and its counterpart, until it stands still."""
    guess = a
    for _ in range(rounds):
        better = (guess + a / guess) / 2
        if better == guess:
            break
        guess = better
    return guess


def derivative(function, at):
    """Return the value and the derivative of `function` at a number."""
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    y = function(x)
    y.backward()
    return y.item(), x.grad.item()


def curvature(function, at):
    """Return the second derivative of `function` at a number: a derivative can be differentiated again."""
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(function(x), x, create_graph=True)
    (bend,) = torch.autograd.grad(slope, x)
    return bend.item()


def main():
    """Print values and derivatives, and return them."""
    results = {}
    # Wherever one way through the program is taken, the function is a line through zero: the slope is value / input.
    for at in (0.3, -0.3, 1500.0):
        value, slope = derivative(doubled_until_large, at)
        print(f"doubled_until_large({at}) = {value:g}, slope {slope:g}, value / input {value / at:g}")
        results[at] = (value, slope)
    root, slope = derivative(heron, 2.0)
    bend = curvature(heron, 2.0)
    print(f"heron(2) = {root:.10f}, slope {slope:.10f} (1 / 2√2), second derivative {bend:.10f} (-1 / 8√2)")
    results["heron"] = (root, slope, bend)
    return results


if __name__ == "__main__":
    main()
