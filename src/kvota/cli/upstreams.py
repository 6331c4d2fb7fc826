"""``kvota upstreams``."""

from kvota.cli import NO, OK
from kvota.cli.options import Output

_OUTPUT = Output()


def check(file: str | None = None, /, *, output: Output = _OUTPUT) -> int:
    """Check a file of upstreams, then ask each AI service once for its models: what is wrong, in words.

    It exits 1 if anything is. Nothing is charged for that question.

    For example:

        kvota upstreams check ./upstreams.toml

    Parameters
    ----------
    file
        A TOML file; KVOTA_UPSTREAMS where none is given.
    """
    import asyncio

    import msgspec

    from kvota.cli.screen import say
    from kvota.errors import Invalid, UpstreamsInvalid
    from kvota.settings import from_environment, variables
    from kvota.upstreams import Service, Upstreams, load
    from kvota.upstreams.checking import Finding, told
    from kvota.upstreams.checking import check as ask

    path = file or from_environment().upstreams
    if path is None:
        raise Invalid("There is no file of upstreams: name one, or set KVOTA_UPSTREAMS. docs/upstreams.md shows one.")
    try:
        services = load(path, variables())
    except UpstreamsInvalid as error:
        if error.errors and error.errors[0].field == "upstreams":
            raise Invalid(error.detail) from error
        if output.json:
            errors = [{"field": one.field, "message": one.message} for one in error.errors]
            say(msgspec.json.encode({"valid": False, "errors": errors, "services": []}).decode())
            return NO
        for one in error.errors:
            say(f"{path}: {one.field}: {one.message}")
        return NO

    async def asked(services: tuple[Service, ...]) -> list[Finding]:
        async with Upstreams(services) as upstreams:
            return await ask(upstreams)

    findings = asyncio.run(asked(services))
    language = "ru" if output.language == "ru" else "en"
    if output.json:
        found = [{**one._asdict(), "said": told(one, language)} for one in findings]
        say(msgspec.json.encode({"valid": True, "errors": [], "services": found}).decode())
    else:
        for one in findings:
            say(told(one, language))
    return NO if any(one.failure or one.missing for one in findings) else OK
