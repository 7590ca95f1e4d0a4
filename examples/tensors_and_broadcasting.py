"""Tensors at work on a small table of weather: shapes, broadcasting, views and writes.

Run it: python examples/tensors_and_broadcasting.py
"""

import lineal as torch

# Rows are days, columns are morning, noon and evening, in degrees Celsius.
TEMPERATURES = [[11.0, 19.0, 15.0], [12.0, 22.0, 17.0], [9.0, 16.0, 11.0], [14.0, 25.0, 18.0]]


def standardised(table):
    """Return the table with every column at mean 0 and deviation 1."""
    # (4, 3) with (3,): a missing axis on the left is made up, so each column meets its own number.
    return (table - table.mean(dim=0)) / table.std(dim=0)


def shares(table):
    """Return each entry as a part of its row's sum."""
    # keepdim leaves (4, 1) where the sum alone would be (4,), which could not meet (4, 3).
    return table / table.sum(dim=1, keepdim=True)


def distances(points):
    """Return the Euclidean distance of every row from every other, without a loop."""
    # (4, 1, 3) with (1, 4, 3) gives (4, 4, 3): all pairs.
    difference = points[:, None, :] - points[None, :, :]
    return (difference**2).sum(dim=-1).sqrt()


def corrected(table, day, by):
    """Return a copy of the table in which one day is `by` degrees warmer."""
    copy = table.clone()
    row = copy[day]  # a view: it has no memory of its own,
    row += by  # so that this writes into the copy
    return copy


def main():
    """Print what the steps give, and return the numbers."""
    table = torch.tensor(TEMPERATURES)
    print(f"{tuple(table.shape)} numbers of {table.dtype}, mean {table.mean():.2f}")

    standard = standardised(table)
    print(f"columns standardised: means {standard.mean(dim=0).abs().max():.4f}, deviations {standard.std(dim=0)}")

    parts = shares(table)
    print("shares of the first day:", parts[0])

    far = distances(table)
    first, second = divmod(int(far.argmax()), len(table))
    print(f"days {first} and {second} differ most: {far[first, second]:.4f}")

    warmer = corrected(table, day=2, by=5.0)
    hot = warmer[warmer > 20]
    print("over 20 degrees after the correction:", hot.tolist())
    results = {"standard": standard, "parts": parts, "distances": far, "pair": (first, second)}
    return results | {"warmer": warmer, "hot": hot}


if __name__ == "__main__":
    main()
