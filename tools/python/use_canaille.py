"""Canaille, the whole application with its memory backend: what is saved there is sent on by SCIM."""

import datetime
import logging

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend

from session import GROUP, TOKEN, URL, USER, cannot, end, step

app = create_app({"SECRET_KEY": "x", "SERVER_NAME": "canaille.example", "PREFERRED_URL_SCHEME": "http", "TESTING": True,
                  "CANAILLE": {"DATABASE": "memory", "LOGGING": {"version": 1, "root": {"level": "INFO", "handlers": []}}}, "CANAILLE_SCIM": {"ENABLE_CLIENT": True}, "CANAILLE_OIDC": {"TRUSTED_DOMAINS": ["127.0.0.1"]}}, env_file=None)
warnings = []
made = {}


class Collect(logging.Handler):
    """Canaille logs what failed and goes on; here it is a failure."""

    def emit(self, record):
        warnings.append(record.getMessage())


app.logger.addHandler(Collect())


def save(thing, **attributes):
    warnings.clear()
    for name, value in attributes.items():
        setattr(thing, name, value)
    Backend.instance.save(thing)
    if warnings:
        raise RuntimeError("; ".join(warnings))


def delete(thing):
    warnings.clear()
    Backend.instance.delete(thing)
    if warnings:
        raise RuntimeError("; ".join(warnings))


def create():
    now = datetime.datetime.now(datetime.timezone.utc)
    client = models.Client(client_id="atlassian", client_name="Atlassian", client_uri=URL)
    Backend.instance.save(client)
    Backend.instance.save(models.Token(token_id="t", access_token=TOKEN, subject=None, audience=[client], client=client, refresh_token="r", scope=["openid"], issue_date=now, lifetime=3600))
    made["user"] = models.User(user_name=USER, display_name="Ann Tool", given_name="Ann", family_name="Tool", formatted_name="Ann Tool", emails=[USER])
    save(made["user"])


def join():
    made["group"] = models.Group(display_name=GROUP, members=[made["user"]])
    save(made["group"])


with app.app_context(), Backend.instance.session(), app.test_request_context():
    step("create", create)
    for name in ("read", "list", "filter"):
        cannot(name, "it looks each of its own users up by externalId before a change, and reads no others")
    step("change", lambda: save(made["user"], display_name="Ann Changed"))
    step("disable", lambda: save(made["user"], lock_date=datetime.datetime.now(datetime.timezone.utc)))
    step("enable", lambda: save(made["user"], lock_date=None))
    cannot("group", "it sends a group with its first member")
    step("join", join)
    cannot("leave", "it sends a group to those alone that its members are sent to, so it tells nobody that the last one left")
    step("ungroup", lambda: delete(made["group"]))
    step("delete", lambda: delete(made["user"]))
end()
