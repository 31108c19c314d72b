#!/bin/sh
# A sample of the mutants for `make check`, by the engine alone; `make mutants` runs all evidence against all of them.
exec "$(dirname "$0")/run.py" --only fuzz --sample 8 --seed "${MUTANTS_SEED:-1}"
