"""`user.login`: a session for somebody with a password."""

from gateway.edge.auth import open_session
from gateway.edge.commands import answers
from gateway.edge.commands.command import Answer, Call, Command, Envelope, Rate, numbered
from gateway.errors import Problem, Refused
from gateway.records import accounts
from gateway.records.accounts import Account

MISSING_USERNAME = Problem(1, "Missing Username parameter")
MISSING_PASSWORD = Problem(2, "Missing Password parameter")
INVALID_LOGIN = Problem(3, "Invalid login information")
PASSWORD_ENCRYPTED = Problem(
    1001, "PasswordEncrypted is not supported: send the password itself, over https."
)


async def login(call: Call) -> Answer:
    username, password = call.parameters.get("username"), call.parameters.get("password")
    problems = [MISSING_USERNAME] * (not username) + [MISSING_PASSWORD] * (not password)
    if call.parameters.get("passwordencrypted") in (True, "true", "1", 1):
        problems.append(PASSWORD_ENCRYPTED)
    if problems:
        raise Refused(*problems)
    account = await call.services.reader.read(accounts.sign_in, str(username), str(password))
    if account is None:
        raise Refused(INVALID_LOGIN)
    return {
        "Success": True,
        "ErrorCode": 0,
        "ErrorText": "",
        "SessionID": open_session(call.services, account),
        "UserInfo": user_info(account),
    }


def user_info(account: Account) -> dict[str, object]:
    return {
        "UserID": account.id,
        "Username": account.email,
        "EmailAddress": account.email,
        "FirstName": "",
        "LastName": "",
        "AccountStatus": "Enabled",
    }


COMMANDS = (
    Command(
        name="user.login",
        summary="Sign in with a password: answers a SessionID for the calls that follow.",
        answers=answers.SignedIn,
        asks=("Username", "Password"),
        further=numbered(PASSWORD_ENCRYPTED),
        handler=login,
        methods=("POST",),
        parameters=("Username", "Password", "PasswordEncrypted", "TFACode", "TFARecoveryCode"),
        codes={p.code: p.message for p in (MISSING_USERNAME, MISSING_PASSWORD, INVALID_LOGIN)},
        counted_as=Rate.LOGIN,
        envelope=Envelope.SUCCESS,
        open=True,
    ),
)
