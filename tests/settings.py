"""Settings of the test suite: its own data folder and database, whatever the environment says."""

import os
import re
import tempfile
from pathlib import Path

_ours = re.findall(
    r'(?:text|flag|number|whole|choice|names|address|place)\("([A-Z_]+)"', Path("config/settings.py").read_text()
)
for _name in _ours:
    os.environ.pop(_name, None)
_data = tempfile.mkdtemp(prefix="tonekeep-tests-")
os.environ["DATA_DIR"] = _data
os.environ["ENV_FILE"] = os.devnull
os.environ["CONFIRM_PLANS"] = "false"  # the tests of the plan turn it on
if os.environ.get("DB", "sqlite") == "postgres":
    os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL", "postgres://root@127.0.0.1:5432/test")

from config.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES["default"].setdefault("TEST", {})  # noqa: F405
if SQLITE:  # noqa: F405
    # A file, not memory: several connections and processes must see it, as they do in real life.
    DATABASES["default"]["TEST"]["NAME"] = f"{_data}/test.sqlite3"  # noqa: F405
