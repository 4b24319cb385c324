"""The training machine's commands from the source folder, with nothing of the project installed.

PYTHONPATH=training/src:deploy/src python -m xview_training train ppo --in-process --experiment debug
"""

import sys

from xview_deploy.cli import run

from xview_training.cli import commands

if __name__ == "__main__":
    sys.exit(run(commands(), sys.argv[1:]))
