"""The steps that every client plays, for those in Python; see drive.py for the lines that are written."""

import json
import os
import sys
import traceback

URL = os.environ["SCIM_URL"]
TOKEN = os.environ["SCIM_TOKEN"]
USER = os.environ["USER_NAME"]
GROUP = os.environ["GROUP_NAME"]
READS = ("read", "list", "filter")
failures = []


def say(**line):
    print(json.dumps(line), flush=True)
    sys.stdin.readline()


def step(name, play):
    """Plays a step with the tool; what play returns in a step that reads is what the tool saw."""
    try:
        saw = play()
    except Exception as wrong:
        failures.append(name)
        traceback.print_exc()
        return say(failed=name, why=f"{type(wrong).__name__}: {wrong}"[:900])
    say(did=name, saw=saw if name in READS else None)


def cannot(name, why):
    say(cannot=name, why=why)


def end():
    sys.exit(bool(failures))
