"""People, and how they sign in."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from app.kit.schema import Draft, Moment, NoNul, Schema
from app.tenants.models import Role
from app.tenants.schemas.fields import SECRETIVE, Email, Kept, NewPassword


class UserView(Schema):
    """A person who signs in to the console."""

    id: UUID
    email: str
    role: Role
    created_at: Moment


class UserPage(Schema):
    """People, newest first."""

    items: list[UserView]
    next_cursor: str | None


class NewUser(Schema):
    """A person to be added."""

    model_config = SECRETIVE

    email: Email
    password: NewPassword = Field(repr=False)
    role: Role = Role.MEMBER


class UserPatch(Draft):
    """A change to a person. A new password ends their sessions."""

    model_config = SECRETIVE

    email: Kept[Email] = None
    password: Kept[NewPassword] = Field(default=None, repr=False)
    role: Kept[Role] = None


class LoginForm(Schema):
    """An e-mail and a password."""

    model_config = SECRETIVE

    email: Annotated[str, StringConstraints(max_length=320), NoNul]
    password: Annotated[str, StringConstraints(max_length=1000)] = Field(repr=False)


class Session(Schema):
    """A console session."""

    access_token: str
    token_type: str
    expires_in_s: int
