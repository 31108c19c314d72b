#!/usr/bin/env python3
"""The table of machines: it is what its script makes, and every pair of values of two parameters is in it."""
import itertools
import sys

import matrix


def missing(rows):
    """The pairs of values that no row has."""
    for one, other in itertools.combinations(matrix.PARAMETERS, 2):
        seen = {(row[one], row[other]) for row in rows}
        for pair in itertools.product(matrix.PARAMETERS[one], matrix.PARAMETERS[other]):
            if pair not in seen:
                yield f"no row has {one} {pair[0]} with {other} {pair[1]}"


def unknown(rows):
    for number, row in enumerate(rows, 1):
        if row.keys() != matrix.PARAMETERS.keys():
            yield f"row {number}: the parameters are {' '.join(row)}"
        for parameter, value in row.items():
            if value not in matrix.PARAMETERS.get(parameter, ()):
                yield f"row {number}: {parameter} {value} is none of the parameter's values"


def main():
    text = matrix.TABLE.read_text()
    rows = matrix.rows_read(text)
    faults = list(missing(rows)) + list(unknown(rows))
    if text != matrix.generate():
        faults.append("matrix.txt differs from what matrix.py --generate prints")
    # The judge itself: 16 is the least number of rows, so without any one of them a pair is missing.
    for without in range(len(rows)):
        if not list(missing(rows[:without] + rows[without + 1:])):
            faults.append(f"row {without + 1} is needed for no pair")
    print(f"{len(rows)} rows", *faults, sep="\n")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
