"""Print ``.env.example``."""

import sys

from dealpulse.settings.variables import as_env_example

sys.stdout.write(as_env_example())
