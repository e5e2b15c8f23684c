# Everything sets itself up first. `make` alone lists what there is.
PYTHON ?= python3
START = @command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON): install Python 3.11 or newer, then start again." >&2; exit 1; }; \
	exec $(PYTHON) tools/start.py

.PHONY: help run test check fmt bench chaos clean

help:   ## say what there is
	@sed -n 's/^\([a-z]*\): *## /  make \1 ~/p' $(firstword $(MAKEFILE_LIST)) | while IFS='~' read -r name what; do printf '%-14s %s\n' "$$name" "$$what"; done

run:    ## set up, start everything, and say where to sign in
	$(START) run

test:   ## run the tests; a part of them: make test T=tests/core
	$(START) test $(T)

check:  ## lint, format, types, layers, migrations, API document, translations
	$(START) check

fmt:    ## format, and mend what can be mended
	$(START) fmt

bench:  ## measure; one of them: make bench B=queue
	$(START) bench $(B)

chaos:  ## kill processes for a while and see that everything heals
	$(START) chaos

clean:  ## remove all that the others made, the database too
	$(START) clean
