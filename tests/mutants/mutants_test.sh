#!/bin/sh
# A sample of the mutants for `make check`; `make mutants` runs them all. Which ones: by the seed.
exec "$(dirname "$0")/run.py" --sample 6 --seed "${MUTANTS_SEED:-1}" --seconds 40
