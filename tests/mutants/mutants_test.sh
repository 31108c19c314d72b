#!/bin/sh
# Every seeded bug is noticed by the audit: tests/mutants/run.sh.
exec "$(dirname "$0")/run.sh"
